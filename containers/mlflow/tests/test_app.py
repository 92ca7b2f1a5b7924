import asyncio

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
