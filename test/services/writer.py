"""Writers that remember every write that was acknowledged, and readers beside them."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

from local.database import Database
from local.processes import HOST
from local.task import Task

THREADS = 8
# A writer ends by itself, whatever the test does.
MOST_REQUESTS = 20_000


def call(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None
) -> tuple[int, bytes]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method, path, data, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, response.read()


def api(task: Task, path: str, body: Any) -> dict[str, Any]:
    connection = http.client.HTTPConnection(HOST, task.port, timeout=60)
    status, answer = call(connection, "POST", f"/api/2.0/mlflow/{path}", body)
    connection.close()
    assert status == 200, answer
    return json.loads(answer)


def create_run(task: Task) -> str:
    name = f"writer {time.time_ns()}"
    experiment = api(task, "experiments/create", {"name": name})["experiment_id"]
    run = api(task, "runs/create", {"experiment_id": experiment, "start_time": 0})
    return run["run"]["info"]["run_id"]


class Load:
    """Threads that repeat a request, each on a connection of its own, without a retry."""

    def __init__(self, task: Task, threads: int = THREADS) -> None:
        self.task = task
        self.failures: list[tuple[float, str]] = []
        self.successes: list[float] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(threads)
        ]

    def request(self, thread: int, step: int) -> tuple[str, str, Any]:
        """Method, path and body of a request."""
        raise NotImplementedError

    def acknowledged(self, thread: int, step: int) -> None:
        """The request was answered with 200."""

    def _run(self, thread: int) -> None:
        connection = http.client.HTTPConnection(HOST, self.task.port, timeout=60)
        for step in itertools.count():
            if self._stop.is_set() or step > MOST_REQUESTS:
                break
            try:
                status, _ = call(connection, *self.request(thread, step))
            except ConnectionRefusedError:
                self._failed("refused", connection)
            except (OSError, http.client.HTTPException) as error:
                self._failed(type(error).__name__, connection)
            else:
                if status == 200:
                    self.acknowledged(thread, step)
                    self.successes.append(time.monotonic())
                else:
                    self._failed(str(status), connection)
        connection.close()

    def _failed(self, how: str, connection: http.client.HTTPConnection) -> None:
        self.failures.append((time.monotonic(), how))
        connection.close()
        time.sleep(0.05)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait_for_successes(20)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)

    def wait_for_successes(self, count: int, seconds: float = 90) -> None:
        """Until so many more requests have succeeded."""
        target = len(self.successes) + count
        deadline = time.monotonic() + seconds
        while len(self.successes) < target:
            assert time.monotonic() < deadline, f"no success for {seconds} s: {self.kinds()}"
            time.sleep(0.02)

    def kinds(self) -> Counter[str]:
        return Counter(how for _, how in self.failures)

    def failed_after(self, moment: float) -> list[str]:
        return [how for when, how in self.failures if when > moment]


class MetricWriter(Load):
    def __init__(self, task: Task, threads: int = THREADS) -> None:
        super().__init__(task, threads)
        self.run_id = create_run(task)
        self.written: set[tuple[str, int]] = set()

    def request(self, thread: int, step: int) -> tuple[str, str, Any]:
        metric = {"run_id": self.run_id, "key": f"thread-{thread}", "value": step, "step": step}
        return "POST", "/api/2.0/mlflow/runs/log-metric", {**metric, "timestamp": step}

    def acknowledged(self, thread: int, step: int) -> None:
        self.written.add((f"thread-{thread}", step))

    def lost(self, database: Database, name: str) -> set[tuple[str, int]]:
        """Acknowledged, and not in the database."""
        rows = database.execute(
            "SELECT `key`, step FROM metrics WHERE run_uuid = %s", self.run_id, name=name
        )
        assert self.written
        return self.written - set(rows)


class ArtifactWriter(Load):
    """Small files, which go through MLflow to S3."""

    def __init__(self, task: Task, threads: int = 2) -> None:
        super().__init__(task, threads)
        self.prefix = f"writer-{time.time_ns()}"
        self.written: dict[str, bytes] = {}

    def request(self, thread: int, step: int) -> tuple[str, str, Any]:
        path = f"{self.prefix}/{thread}-{step}"
        return "PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", path.encode()

    def acknowledged(self, thread: int, step: int) -> None:
        path = f"{self.prefix}/{thread}-{step}"
        self.written[path] = path.encode()

    def lost(self, read: Callable[[str], bytes | None]) -> list[str]:
        assert self.written
        return [path for path, content in self.written.items() if read(path) != content]


class Reader(Load):
    """Reads that may be repeated."""

    def __init__(self, task: Task, run_id: str, threads: int = 4) -> None:
        super().__init__(task, threads)
        self._run_id = run_id

    def request(self, thread: int, step: int) -> tuple[str, str, Any]:
        return "GET", f"/api/2.0/mlflow/runs/get?run_id={self._run_id}", None
