"""A stack with the settings of the environment whose database pauses, which nobody uses."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from local.database import USER
from local.processes import get_status
from local.stack import Stack

# Aurora pauses after as long without a connection; Pulumi.dev.yaml sets the same.
IDLE_SECONDS = 300
# How often the load balancer and the container's health check ask.
PROBE_SECONDS = 5


class IdleStack:
    def __init__(self) -> None:
        self._stack = Stack(log_statements=True)
        self._stop = threading.Event()
        self._probes = threading.Thread(target=self._probe, daemon=True)
        self.probed: list[int] = []

    def __enter__(self) -> Self:
        self._stack.__enter__()
        try:
            self._stack.database.create("mlflow")
            self.task = self._stack.task(
                workers=1, mlflow_settings={"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool"}
            )
            self.task.start()
        except BaseException:
            self._stack.__exit__(None, None, None)
            raise
        self._log_size = self._log.stat().st_size
        self._since = time.monotonic()
        self._probes.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._probes.join()
        self._stack.__exit__(kind, error, trace)

    @property
    def _log(self) -> Path:
        return self._stack.database.statement_log

    def _probe(self) -> None:
        while not self._stop.wait(PROBE_SECONDS):
            self.probed.append(get_status(self.task.port, "/health"))

    def wait(self) -> None:
        """Until it has been idle for as long as it must."""
        time.sleep(max(0, self._since + IDLE_SECONDS - time.monotonic()))

    def statements(self) -> list[str]:
        """What the database was asked since the task has started, connecting included."""
        with self._log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._log_size)
            return log.read().splitlines()

    def connections(self) -> int:
        rows = self._stack.database.execute(
            "SELECT count(*) FROM information_schema.processlist WHERE user = %s", USER
        )
        return rows[0][0]

    def use_database(self) -> None:
        get_status(self.task.port, "/api/2.0/mlflow/experiments/get?experiment_id=0")
