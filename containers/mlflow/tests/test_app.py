import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from mlops_mlflow.app import OutliveErrors


def test_an_error_is_logged_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def fails(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        raise RuntimeError("S3 is down")

    asyncio.run(OutliveErrors(fails)({"type": "http", "path": "/some"}, receive, send))

    assert sent[0]["status"] == 500
    assert "the request /some failed" in caplog.text
    assert "S3 is down" in caplog.text


# In a process of its own: it makes MLflow's application for good, and freezes what is there.
CREATE = """
import gc
from mlops_mlflow.app import create_app
create_app()
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_the_garbage_collector_leaves_what_was_loaded_alone(tmp_path: Path) -> None:
    # As `mlflow server` hands its settings to its workers.
    environment = {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{tmp_path}/mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": str(tmp_path),
        "PYTHONPATH": ":".join(sys.path),
    }
    result = subprocess.run(
        [sys.executable, "-c", CREATE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    frozen, left = map(int, result.stdout.split())

    assert frozen > 100_000
    assert left < 1_000
