"""The schema migration: one at a time, never half, and never backwards.

MySQL can not roll a schema change back, and MLflow's own lock is a file, so it holds back no other
container. Hence a lock in the database, and a mark there for as long as the schema is half-way.
"""

import signal
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from mlflow.store.db import utils as mlflow_schema
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    NullPool,
    String,
    Table,
    create_engine,
    func,
    inspect,
    select,
)
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from mlops_mlflow.errors import Failure
from mlops_mlflow.settings import Database

# Long enough for a database that resumes, restarts or fails over.
CONNECT_SECONDS = 180
# Long enough for another task's migration of a large database.
LOCK_SECONDS = 3600

UNFINISHED = Table(
    "alembic_migration_unfinished",
    MetaData(),
    Column("from_revision", String(32), nullable=False),
    Column("to_revision", String(32), nullable=False),
    Column("started_at", String(32), nullable=False),
)
BOOKKEEPING = {UNFINISHED.name, "alembic_version"}
EMPTY = "an empty database"


def run(database: Database) -> int:
    """Brings the schema to this image's version. Raises `Failure` where that can not be."""
    # A statement may take as long as it needs.
    engine = create_engine(database.uri(query_timeout=None), poolclass=NullPool)
    with connect(engine, database) as connection:
        lock(connection, database)
        outlive_termination()
        upgrade(engine, database)
    return 0


def connect(engine: Engine, database: Database) -> Connection:
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            reason = error.orig or error
            if time.monotonic() > deadline:
                raise Failure(
                    f"can not connect to {database.host}:{database.port} (DATABASE_HOST) in "
                    f"{CONNECT_SECONDS} s: {reason}"
                ) from error
            say(f"the database does not answer yet: {reason}")
            time.sleep(3)


def lock(connection: Connection, database: Database) -> None:
    # Lock names belong to the whole server and have at most 64 characters, as database names do.
    name = f"migrate {database.name}"[:64]
    if connection.scalar(select(func.get_lock(name, 0))) == 1:
        return
    say("another task migrates the schema: waiting for it")
    if connection.scalar(select(func.get_lock(name, LOCK_SECONDS))) != 1:
        raise Failure(
            f"another task has been migrating {database.name} for {LOCK_SECONDS} s: "
            "let it end, then start this one again"
        )


def outlive_termination() -> None:
    """ECS kills a container that ignores SIGTERM only after its stop timeout: time to finish."""

    def finish_first(_signal: int, _frame: object) -> None:
        say("asked to stop: finishing the migration first, it can not be continued later")

    signal.signal(signal.SIGTERM, finish_first)
    signal.signal(signal.SIGINT, finish_first)


def upgrade(engine: Engine, database: Database) -> None:
    scripts = ScriptDirectory.from_config(mlflow_schema._get_alembic_config(""))
    target = mlflow_schema._get_latest_schema_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    found = current_revision(engine)
    unfinished = read_mark(engine)

    if found == target:
        # The mark is still there where a task was killed after its last step.
        UNFINISHED.drop(engine, checkfirst=True)
        say(f"the schema of {database.name} is at {target}, which this image expects")
        return
    if unfinished is not None:
        raise Failure(unfinished.way_back(database))
    if found is not None and found not in known:
        raise Failure(
            f"the schema of {database.name} is at {found}, which this image does not know, so it "
            f"is newer than this image (at {target}): deploy the image that made it, or restore "
            "the snapshot taken before that upgrade"
        )
    if found is None and set(inspect(engine).get_table_names()) - BOOKKEEPING:
        raise Failure(
            f"{database.name} (DATABASE_NAME) holds tables but no MLflow schema version: "
            "set it to a database of MLflow's own, or to an empty one"
        )

    migration = Unfinished(
        from_revision=found or EMPTY,
        to_revision=target,
        started_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    say(f"migrating the schema of {database.name} from {migration.from_revision} to {target}")
    started = time.monotonic()
    write_mark(engine, migration)
    try:
        if found is None:
            mlflow_schema._initialize_tables(engine)
        else:
            mlflow_schema._upgrade_db(engine)
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise Failure(f"{reason}; {migration.way_back(database)}") from error
    UNFINISHED.drop(engine)
    say(f"the schema of {database.name} is at {target} after {time.monotonic() - started:.1f} s")


def current_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@dataclass(frozen=True)
class Unfinished:
    """A migration that has begun and may not have ended."""

    from_revision: str
    to_revision: str
    started_at: str

    def way_back(self, database: Database) -> str:
        if self.from_revision == EMPTY:
            remedy = f"drop and create the database {database.name}"
        else:
            remedy = f"restore the cluster snapshot taken before {self.started_at}"
        return (
            f"the schema of {database.name} is half-way from {self.from_revision} to "
            f"{self.to_revision}: the migration begun at {self.started_at} was cut short, and "
            f"MySQL can neither continue nor undo it; {remedy}, then start again"
        )


def read_mark(engine: Engine) -> Unfinished | None:
    if not inspect(engine).has_table(UNFINISHED.name):
        return None
    with engine.connect() as connection:
        row = connection.execute(select(UNFINISHED)).first()
    return None if row is None else Unfinished(**row._mapping)


def write_mark(engine: Engine, migration: Unfinished) -> None:
    UNFINISHED.create(engine, checkfirst=True)
    with engine.begin() as connection:
        connection.execute(UNFINISHED.insert().values(asdict(migration)))


def say(line: str) -> None:
    print(f"mlops-mlflow: {line}", file=sys.stderr, flush=True)
