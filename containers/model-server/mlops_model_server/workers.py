"""The workers, from the load of the model to their end."""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mlops_model_server import worker
from mlops_model_server.answers import Answer
from mlops_model_server.errors import Failure
from mlops_model_server.settings import Settings


class Workers:
    """`ready` is true from the time that a worker can answer; others may still be loading."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._executor: Executor | None = None
        self.ready = False

    async def start(self) -> None:
        """Fetches and loads the model. Raises `Failure` when that can not be."""
        folder = self._settings.model_folder
        if self._settings.model_s3_uri:
            # Costs memory and a second, which a mounted model need not.
            from mlops_model_server.download import download

            folder = Path(tempfile.mkdtemp(prefix="model-"))
            await asyncio.to_thread(download, self._settings.model_s3_uri, folder)
        count = self._settings.workers
        self._executor = executor(count, folder)
        # One check each starts them all; the first that has loaded the model may do them all.
        await asyncio.gather(*(self._run(worker.check) for _ in range(count)))
        self.ready = True

    async def answer(self, content_type: str, body: bytes) -> Answer:
        """Raises `Failure` when a worker has died."""
        return await self._run(worker.answer, content_type, body)

    async def _run(self, function: Callable[..., Any], *arguments: object) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, function, *arguments)
        except BrokenExecutor as error:
            raise Failure(
                "a worker was killed, most likely since memory ran out: take an instance with "
                "more of it, or set SAGEMAKER_MODEL_SERVER_WORKERS to less than "
                f"{self._settings.workers}"
            ) from error


def executor(count: int, folder: Path) -> Executor:
    """Takes no request with a worker that has not loaded the model."""
    if count == 1:
        return ThreadPoolExecutor(1, initializer=worker.start, initargs=(folder,))
    # Not forked, since libraries with threads of their own do not survive that.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, initializer=worker.start, initargs=(folder,))
