"""The migration step: one at a time, never half, never backwards."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from local.database import Database
from local.processes import Service, wait_until
from local.stack import Stack
from local.task import Task
from writer import api

DATA = {"name": "größe & größer", "tags": [{"key": "from", "value": "the older release"}]}


def only_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line that the step prints of itself; MLflow may log beside it."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("mlops-mlflow: ")]
    assert "Traceback" not in result.stderr
    return lines[-1]


def tables(database: Database, name: str) -> int:
    rows = database.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = %s", name
    )
    return rows[0][0]


def revision(database: Database, name: str) -> str:
    return database.execute("SELECT version_num FROM alembic_version", name=name)[0][0]


def snapshot(database: Database, name: str, path: Path) -> None:
    with path.open("wb") as output:
        subprocess.run(
            ["mariadb-dump", f"--socket={database.folder}/socket", "--user=root", name],
            stdout=output,
            check=True,
        )


def restore(database: Database, name: str, path: Path) -> None:
    database.drop(name)
    database.create(name)
    with path.open("rb") as source:
        subprocess.run(
            ["mariadb", f"--socket={database.folder}/socket", "--user=root", name],
            stdin=source,
            check=True,
        )


@pytest.fixture
def with_older_data(stack: Stack, database_name: str) -> dict[str, str]:
    """Data of an older release in the test's database."""
    older = stack.task(database_name=database_name, workers=1, release="older")
    older.start()
    experiment = api(older, "experiments/create", DATA)["experiment_id"]
    run = api(older, "runs/create", {"experiment_id": experiment, "start_time": 1})
    run_id = run["run"]["info"]["run_id"]
    for step in range(20):
        metric = {"run_id": run_id, "key": "loss", "value": step / 2, "step": step}
        api(older, "runs/log-metric", {**metric, "timestamp": step})
    api(older, "registered-models/create", {"name": "diabetes"})
    api(
        older, "model-versions/create", {"name": "diabetes", "source": "s3://x/y", "run_id": run_id}
    )
    older.stop()
    return {"experiment": experiment, "run": run_id}


def check_older_data(task: Task, ids: dict[str, str], database: Database, name: str) -> None:
    found = api(task, "experiments/search", {"max_results": 10, "filter": "name LIKE 'gr%'"})
    (experiment,) = found["experiments"]
    assert experiment["experiment_id"] == ids["experiment"]
    assert experiment["name"] == DATA["name"]
    runs = api(task, "runs/search", {"experiment_ids": [ids["experiment"]]})["runs"]
    assert [run["info"]["run_id"] for run in runs] == [ids["run"]]
    rows = database.execute("SELECT value FROM metrics ORDER BY step", name=name)
    assert [value for (value,) in rows] == [step / 2 for step in range(20)]
    version = database.execute("SELECT name, version FROM model_versions", name=name)
    assert version == [("diabetes", 1)]


def test_creates_the_schema_and_then_does_nothing(stack: Stack, database_name: str) -> None:
    task = stack.task(database_name=database_name)

    first = task.migrate()
    created = tables(stack.database, database_name)
    second = task.migrate()

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "from an empty database to" in first.stderr
    assert "which this image expects" in only_line(second)
    assert tables(stack.database, database_name) == created > 50


@pytest.mark.timeout(600)
@pytest.mark.parametrize("trial", range(10))
def test_two_tasks_start_at_once_on_an_empty_database(
    stack: Stack, database_name: str, trial: int
) -> None:
    tasks = [stack.task(database_name=database_name, workers=1) for _ in range(2)]
    migrations = {task: task.start_migrate() for task in tasks}
    # Each server starts when its own migration has ended, as in a task.
    while migrations:
        for task, migration in list(migrations.items()):
            if not migration.running():
                assert migration.process.returncode == 0, task.migrate_log.read_text()
                task.start_mlflow()
                del migrations[task]
        time.sleep(0.02)
    for task in tasks:
        task.wait_healthy()
        task.start_nginx()

    api(tasks[0], "experiments/create", {"name": "seen by both"})
    found = api(tasks[1], "experiments/search", {"max_results": 10})["experiments"]
    assert {"seen by both"} < {experiment["name"] for experiment in found}
    for task in tasks:
        task.stop()


def kill_half_way(stack: Stack, task: Task, name: str, after: int) -> None:
    """SIGKILL when the migration has made so many tables or columns more."""

    def size() -> int:
        rows = stack.database.execute(
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = %s", name
        )
        return rows[0][0]

    before = size()
    migration = task.start_migrate()
    wait_until(lambda: size() >= before + after or not migration.running(), "half a migration")
    assert migration.running(), task.migrate_log.read_text()
    migration.kill_all()


def test_killed_while_it_creates_the_schema(stack: Stack, database_name: str) -> None:
    task = stack.task(database_name=database_name)
    kill_half_way(stack, task, database_name, after=60)

    refused = task.migrate()

    assert refused.returncode == 1
    line = only_line(refused)
    assert f"the schema of {database_name} is half-way from an empty database to" in line
    assert f"drop and create the database {database_name}, then start again" in line

    stack.database.drop(database_name)
    stack.database.create(database_name)
    again = task.migrate()
    assert again.returncode == 0, again.stderr


def test_killed_while_it_upgrades_data(
    stack: Stack, database_name: str, with_older_data: dict[str, str], tmp_path: Path
) -> None:
    snapshot(stack.database, database_name, tmp_path / "snapshot")
    task = stack.task(database_name=database_name, workers=1)
    kill_half_way(stack, task, database_name, after=20)

    refused = task.migrate()

    assert refused.returncode == 1
    assert "is half-way from" in only_line(refused)
    assert "restore the cluster snapshot taken before" in only_line(refused)

    restore(stack.database, database_name, tmp_path / "snapshot")
    task.start()
    check_older_data(task, with_older_data, stack.database, database_name)
    task.stop()


def test_asked_to_stop_it_finishes_first(stack: Stack, database_name: str) -> None:
    task = stack.task(database_name=database_name)
    migration: Service = task.start_migrate()
    wait_until(lambda: tables(stack.database, database_name) > 5, "the first tables")

    migration.signal(signal.SIGTERM)

    assert migration.process.wait(120) == 0
    assert "finishing the migration first" in task.migrate_log.read_text()
    assert "which this image expects" in only_line(task.migrate())


def test_upgrades_the_data_of_an_older_release(
    stack: Stack, database_name: str, with_older_data: dict[str, str]
) -> None:
    older = revision(stack.database, database_name)
    task = stack.task(database_name=database_name)

    task.start()

    assert revision(stack.database, database_name) != older
    check_older_data(task, with_older_data, stack.database, database_name)
    task.stop()


def test_older_image_refuses_a_newer_schema(stack: Stack, database_name: str) -> None:
    newer = stack.task(database_name=database_name)
    assert newer.migrate().returncode == 0
    found = revision(stack.database, database_name)
    older = stack.task(database_name=database_name, release="older")

    refused = older.migrate()

    assert refused.returncode == 1
    assert f"is at {found}, which this image does not know, so it is newer" in only_line(refused)
    assert revision(stack.database, database_name) == found


def test_refuses_a_database_of_somebody_else(stack: Stack, database_name: str) -> None:
    stack.database.execute("CREATE TABLE orders (id int)", name=database_name)

    refused = stack.task(database_name=database_name).migrate()

    assert refused.returncode == 1
    assert "holds tables but no MLflow schema version" in only_line(refused)
    assert tables(stack.database, database_name) == 1


def test_does_not_talk_to_a_database_with_a_foreign_certificate(
    stack: Stack, database_name: str, tmp_path: Path
) -> None:
    from local.certificates import write_certificates

    write_certificates(tmp_path)
    task = stack.task(
        database_name=database_name,
        mlflow_settings={"DATABASE_CA_FILE": str(tmp_path / "ca.pem")},
    )

    migration = task.start_migrate()
    wait_until(lambda: "certificate verify failed" in task.migrate_log.read_text(), "the refusal")

    migration.kill_all()
    assert tables(stack.database, database_name) == 0
