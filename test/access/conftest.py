"""The local stack behind a front that checks signatures and rights."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from callers import as_caller
from front import EXECUTION_ARN, Front
from local.task import Task
from sigv4 import Caller

ROOT = Path(__file__).resolve().parents[2]
WRITER = ("AKIAWRITER", "writer's secret")
READER = ("AKIAREADER", "reader's secret")
ARNS = {
    name: f"arn:aws:sts::123456789012:assumed-role/{name}/somebody" for name in ("writer", "reader")
}

# The stack's output `connection`, but for the URL.
CONNECTION = {
    "MLFLOW_TRACKING_URI": "",
    "MLFLOW_TRACKING_AUTH": "mlops-sigv4",
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1",
}


@pytest.fixture(scope="session")
def documents() -> dict[str, str]:
    """The policy documents that the stack gives out, by "reader" and "writer"."""
    command = ["node", "--require", "./offline/register.js", "test/access/rights.ts", EXECUTION_ARN]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


@pytest.fixture(scope="session")
def front(task: Task, documents: dict[str, str]) -> Iterator[Front]:
    callers = {
        WRITER[0]: Caller(ARNS["writer"], WRITER[1]),
        READER[0]: Caller(ARNS["reader"], READER[1]),
    }
    by_arn = {ARNS[name]: document for name, document in documents.items()}
    with Front(callers, task.port, by_arn) as front:
        yield front


@pytest.fixture
def client(front: Front, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A writer's environment, as `npm run connect` prints it."""
    as_caller(monkeypatch, *WRITER)
    connection = {**CONNECTION, "MLFLOW_TRACKING_URI": front.url}
    for name, value in {**connection, "MLFLOW_DISABLE_TELEMETRY": "true"}.items():
        monkeypatch.setenv(name, value)
    import mlflow

    mlflow.set_tracking_uri(front.url)
    yield
    mlflow.set_tracking_uri(None)
