"""The settings of the container, read from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from mlops_mlflow.errors import Failure

# The API gives a request up after 30 s and the proxy after 28 s; MLflow's own answer comes first.
QUERY_TIMEOUT = 25
# A paused Aurora database holds a new connection until it has resumed, for 15 s or more:
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
CONNECT_TIMEOUT = 25


@dataclass(frozen=True)
class Database:
    """Where the database is. Who logs in is in a secret, see `mlops_mlflow.secret`."""

    host: str
    port: int
    name: str
    ca_file: str

    def uri(self, *, query_timeout: int | None) -> str:
        """The SQLAlchemy URI; it holds neither user nor password."""
        options: dict[str, str | int] = {"charset": "utf8mb4", "connect_timeout": CONNECT_TIMEOUT}
        if query_timeout is not None:
            options |= {"read_timeout": query_timeout, "write_timeout": query_timeout}
        if self.ca_file:
            options["ssl_ca"] = self.ca_file
        return f"mysql+rotating://{self.host}:{self.port}/{quote(self.name)}?{urlencode(options)}"


@dataclass(frozen=True)
class Server:
    """How MLflow runs."""

    port: int
    workers: int
    artifacts_destination: str
    pool_class: str


def database(environment: Mapping[str, str]) -> Database:
    """Raises `Failure` for a missing or bad setting of the database."""
    return Database(
        host=required(environment, "DATABASE_HOST", "the host name of the database"),
        port=whole_number(environment, "DATABASE_PORT", default=3306, least=1, most=65535),
        name=environment.get("DATABASE_NAME") or "mlflow",
        ca_file=environment.get("DATABASE_CA_FILE", ""),
    )


def server(environment: Mapping[str, str]) -> Server:
    """Raises `Failure` for a missing or bad setting of the server."""
    destination = required(
        environment, "MLFLOW_ARTIFACTS_DESTINATION", "where artifacts are kept, as s3://BUCKET"
    )
    if not destination.startswith("s3://") or destination == "s3://":
        raise Failure(f'MLFLOW_ARTIFACTS_DESTINATION is "{destination}": set it to s3://BUCKET')
    pool_class = environment.get("MLFLOW_SQLALCHEMYSTORE_POOLCLASS") or "QueuePool"
    if pool_class not in ("QueuePool", "NullPool"):
        raise Failure(
            f'MLFLOW_SQLALCHEMYSTORE_POOLCLASS is "{pool_class}": set it to QueuePool, or to '
            "NullPool where the database should pause"
        )
    return Server(
        port=whole_number(environment, "MLFLOW_PORT", default=5000, least=1, most=65535),
        workers=whole_number(environment, "MLFLOW_WORKERS", default=1, least=1, most=32),
        artifacts_destination=destination,
        pool_class=pool_class,
    )


def required(environment: Mapping[str, str], name: str, meaning: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise Failure(f"{name} is not set: set it to {meaning}")
    return value


def whole_number(
    environment: Mapping[str, str], name: str, *, default: int, least: int, most: int
) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise Failure(f'{name} is "{text}": set it to a whole number from {least} to {most}')
    return int(text)
