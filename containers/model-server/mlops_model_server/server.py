"""The process that holds the port, from its start to its end."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette

from mlops_model_server.app import routes
from mlops_model_server.settings import Settings
from mlops_model_server.workers import Workers

# SageMaker kills the container 30 s after SIGTERM:
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
DRAIN_SECONDS = 25


def run(settings: Settings) -> None:
    """Serves until SIGTERM. Raises `Failure` when the model can not be loaded, or a worker died."""
    workers = Workers(settings)
    failures: list[Exception] = []

    def fail(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    async def load() -> None:
        try:
            await workers.start()
        except Exception as error:
            fail(error)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # Beside the server, which answers that it is not ready until then.
        loading = asyncio.create_task(load())
        yield
        loading.cancel()

    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=routes(workers, fail), lifespan=lifespan),
            host="0.0.0.0",
            port=settings.port,
            # Not left to detection: without these the server is much slower, and nothing tells.
            loop="uvloop",
            http="httptools",
            # The app logs its requests itself, but for those of /ping.
            access_log=False,
            log_config=None,
            # Long enough that the caller is the one to close an idle connection.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    # uvicorn raises the signal again when it has answered what was in hand. An orderly end would
    # wait for a load that is under way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0) if workers.ready else os._exit(0))
    server.run()
    if failures:
        raise failures[0]
