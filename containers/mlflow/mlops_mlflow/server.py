"""The server: checks the settings, then becomes `mlflow server`."""

import os
import shutil
import sys
from collections.abc import Mapping

from mlops_mlflow import secret, settings
from mlops_mlflow.errors import Failure

UVICORN_OPTIONS = (
    # The proxy logs every request, with its caller.
    "--no-access-log",
    # Not left to detection: without these the server is much slower, and nothing tells.
    "--loop=uvloop",
    "--http=httptools",
    # Longer than the proxy keeps an idle connection, so that the proxy is the one to close it.
    "--timeout-keep-alive=75",
    # Shorter than the task's stop timeout; the API has given up every request by then.
    "--timeout-graceful-shutdown=30",
    # uvicorn's 5 s kill a healthy worker that starts on half a processor.
    "--timeout-worker-healthcheck=60",
)


def run(environment: Mapping[str, str]) -> None:
    """Replaces this process, so that signals and the exit code are MLflow's own."""
    program = shutil.which("mlflow", path=os.path.dirname(sys.executable))
    if program is None:
        raise Failure("mlflow is not installed beside this program: build the image again")
    command = [program, "server", "--app-name", "ready"]
    os.execve(program, command, mlflow_environment(environment))


def mlflow_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """
    The environment of `mlflow server`. Raises `Failure` for a missing or bad setting, or when the
    secret can not be read, since MLflow would tell neither in one line.
    """
    server = settings.server(environment)
    database = settings.database(environment)
    secret.from_environment(environment).current()

    result = {
        **environment,
        "MLFLOW_BACKEND_STORE_URI": database.uri(query_timeout=settings.QUERY_TIMEOUT),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(server.port),
        "MLFLOW_WORKERS": str(server.workers),
        "MLFLOW_SERVE_ARTIFACTS": "true",
        "MLFLOW_UVICORN_OPTS": " ".join(UVICORN_OPTIONS),
    }
    if server.pool_class == "QueuePool":
        # After a failover no connection to the old writer lives longer than this.
        result.setdefault("MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE", "300")
    return result
