"""Parts fail while clients write; nothing that was acknowledged may be lost."""

import http.client
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pymysql
import pytest
from local.processes import HOST, Service, get_status, wait_until
from local.stack import Stack
from local.task import Task, image_stop_signal
from writer import ArtifactWriter, MetricWriter, Reader, call, create_run

StartTask = Callable[..., Task]

EXPERIMENT = "/api/2.0/mlflow/experiments/get?experiment_id=0"
# One is read by FastAPI, the list by Flask.
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
ARTIFACT = f"{ARTIFACTS}/some.txt"


def workers(mlflow: Service) -> list[psutil.Process]:
    """uvicorn's workers, which listen each for itself."""
    found = []
    for process in mlflow.members():
        if any("multiprocessing.spawn" in part for part in process.cmdline()):
            found.append(process)
    return found


@pytest.fixture
def task(own_task: StartTask) -> Task:
    return own_task()


@pytest.fixture
def database_up(stack: Stack) -> Iterator[None]:
    """Whatever the test does, the next one finds the database running."""
    yield
    stack.database.stop()
    stack.database.start()


def test_a_worker_is_killed(stack: Stack, task: Task, database_name: str) -> None:
    assert task.mlflow
    before = workers(task.mlflow)
    assert len(before) == 2

    with MetricWriter(task) as writer, Reader(task, writer.run_id) as reader:
        before[0].kill()
        writer.wait_for_successes(100)
        wait_until(lambda: len(workers(task.mlflow)) == 2, "a new worker")
        back = time.monotonic()
        writer.wait_for_successes(200)

    assert writer.lost(stack.database, database_name) == set()
    # Those in its hands, which nginx may not repeat; the reads it repeats, unless the answer had begun.
    assert set(writer.kinds()) <= {"502", "IncompleteRead"}
    assert len(writer.failures) <= 2 * 8
    assert writer.failed_after(back) == []
    assert set(reader.kinds()) <= {"IncompleteRead"}


def test_a_worker_that_came_late_gets_its_share(task: Task) -> None:
    """Whichever of them is awake takes every connection, and nginx would keep those."""
    assert task.mlflow and task.nginx
    awake, asleep = workers(task.mlflow)
    task.nginx.stop()
    asleep.suspend()
    try:
        task.start_nginx()
        ask_at_once(task, requests=5)
        before = connections_of(asleep, task)
    finally:
        asleep.resume()
    ask_at_once(task, requests=650)

    assert before == 0
    assert connections_of(awake, task) > 0
    assert connections_of(asleep, task) > 0


def ask_at_once(task: Task, requests: int) -> None:
    """As many requests by each of 16 clients."""

    def ask(_: int) -> None:
        connection = http.client.HTTPConnection(HOST, task.port, timeout=60)
        for _ in range(requests):
            connection.request("GET", "/health")
            assert connection.getresponse().read() == b"OK"
        connection.close()

    with ThreadPoolExecutor(16) as clients:
        list(clients.map(ask, range(16)))


def connections_of(worker: psutil.Process, task: Task) -> int:
    return sum(
        connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == task.mlflow_port
        for connection in worker.net_connections("tcp")
    )


def test_mlflow_is_killed(stack: Stack, task: Task, database_name: str) -> None:
    assert task.mlflow
    with MetricWriter(task) as writer:
        task.mlflow.kill_all()
        wait_until(lambda: get_status(task.port, "/health") == 502, "a failing health check")
        answer = error_answer(task)
        task.start_mlflow()
        task.wait_healthy()
        writer.wait_for_successes(100)
        back = time.monotonic()
        writer.wait_for_successes(100)

    assert answer == (502, "TEMPORARILY_UNAVAILABLE")
    assert writer.lost(stack.database, database_name) == set()
    # The second where the answer had begun.
    assert "502" in writer.kinds()
    assert set(writer.kinds()) <= {"502", "IncompleteRead"}
    assert writer.failed_after(back) == []


def error_answer(task: Task, path: str = EXPERIMENT) -> tuple[int, str]:
    """Status and MLflow error code that a client gets now."""
    connection = http.client.HTTPConnection(HOST, task.port, timeout=60)
    status, body = call(connection, "GET", path)
    connection.close()
    return status, json.loads(body)["error_code"]


def held_requests(task: Task, run_id: str, count: int) -> tuple[list[threading.Thread], list[int]]:
    """Requests on their way, and their statuses once they are answered."""
    statuses: list[int] = []

    def request(number: int) -> None:
        connection = http.client.HTTPConnection(HOST, task.port, timeout=60)
        metric = {"run_id": run_id, "key": "held", "value": 1, "timestamp": 1, "step": number}
        try:
            status, _ = call(connection, "POST", "/api/2.0/mlflow/runs/log-metric", metric)
        except (OSError, http.client.HTTPException):
            status = 0
        statuses.append(status)

    threads = [threading.Thread(target=request, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads, statuses


def in_hand(stack: Stack) -> int:
    """Statements that wait for the lock on the table of metrics."""
    rows = stack.database.execute(
        "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'"
    )
    return rows[0][0]


def test_task_is_stopped_with_requests_in_hand(
    stack: Stack, task: Task, database_name: str
) -> None:
    assert task.mlflow and task.nginx
    run_id = create_run(task)
    with stack.database.connect(database_name) as administrator:
        administrator.cursor().execute("LOCK TABLES metrics WRITE")
        threads, statuses = held_requests(task, run_id, 8)
        wait_until(lambda: in_hand(stack) == 8, "eight requests in hand")
        task.nginx.signal(image_stop_signal("nginx"))
        wait_until(lambda: get_status(task.port, "/health") == 0, "no new requests")
        # The container runtime stops MLflow only after nginx; even at once it must answer.
        task.mlflow.signal(signal.SIGTERM)
        time.sleep(3)
        assert statuses == []
        administrator.cursor().execute("UNLOCK TABLES")
    for thread in threads:
        thread.join()

    assert statuses == [200] * 8
    assert task.nginx.process.wait(30) == 0
    assert task.mlflow.process.wait(60) == 0
    stored = stack.database.execute(
        "SELECT count(*) FROM metrics WHERE `key` = 'held'", name=database_name
    )
    assert stored == [(8,)]


def test_task_is_stopped_under_load(stack: Stack, task: Task, database_name: str) -> None:
    with MetricWriter(task) as writer:
        task.stop()

    assert writer.lost(stack.database, database_name) == set()
    # Refused, or closed before a byte of an answer, which a load balancer that has been told of the
    # stop does not try; an error of MLflow would be a request cut short.
    assert set(writer.kinds()) <= {
        "refused",
        "RemoteDisconnected",
        "ConnectionResetError",
        "BrokenPipeError",
    }
    assert all(request["status"] == 200 for request in task.requests())


@pytest.mark.parametrize("down", [0, 20])
@pytest.mark.usefixtures("database_up")
def test_database_restarts(stack: Stack, task: Task, database_name: str, down: int) -> None:
    assert task.mlflow
    pids = {process.pid for process in task.mlflow.members()}
    with MetricWriter(task) as writer:
        if down:
            stack.database.kill()
            time.sleep(down)
            # MLflow must not be killed for its database.
            assert task.healthy()
            assert error_answer(task) == (503, "TEMPORARILY_UNAVAILABLE")
        else:
            stack.database.stop()
        stack.database.start()
        writer.wait_for_successes(100)
        back = time.monotonic()
        writer.wait_for_successes(200)

    assert writer.lost(stack.database, database_name) == set()
    assert set(writer.kinds()) == {"503"}
    assert writer.failed_after(back) == []
    assert {process.pid for process in task.mlflow.members()} == pids


@pytest.mark.parametrize("pool", ["QueuePool", "NullPool"])
def test_password_is_rotated(
    stack: Stack, own_task: StartTask, database_name: str, pool: str
) -> None:
    task = own_task(mlflow_settings={"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": pool})
    assert task.mlflow
    pids = {process.pid for process in task.mlflow.members()}
    with MetricWriter(task) as writer:
        for rotation in range(3):
            stack.rotate_password(f"rotated '{rotation}' \"password\"")
            drop_connections(stack)
            writer.wait_for_successes(100)
        back = time.monotonic()
        writer.wait_for_successes(100)

    assert writer.lost(stack.database, database_name) == set()
    # Only those whose connection was cut, or that came between the two steps of a rotation.
    assert set(writer.kinds()) <= {"503"}
    assert len(writer.failures) <= 3 * 8
    assert writer.failed_after(back) == []
    assert {process.pid for process in task.mlflow.members()} == pids


def drop_connections(stack: Stack) -> None:
    """So that every connection has to log in anew."""
    rows = stack.database.execute(
        "SELECT id FROM information_schema.processlist WHERE user = 'mlflow'"
    )
    for (connection,) in rows:
        try:
            stack.database.execute(f"KILL {connection}")
        except pymysql.err.OperationalError as error:
            # It has ended by itself.
            assert "Unknown thread id" in str(error)


def test_s3_is_down(stack: Stack, task: Task, database_name: str) -> None:
    with MetricWriter(task) as metrics, ArtifactWriter(task) as artifacts:
        stack.aws.stop_s3()
        down = time.monotonic()
        answers = [error_answer(task, path) for path in (ARTIFACT, ARTIFACTS)]
        time.sleep(max(0, down + 10 - time.monotonic()))
        assert task.healthy()
        stack.aws.start_s3()
        artifacts.wait_for_successes(5)
        back = time.monotonic()
        artifacts.wait_for_successes(20)

    assert metrics.lost(stack.database, database_name) == set()
    assert metrics.failures == []
    assert answers == [(500, "INTERNAL_ERROR")] * 2
    s3 = stack.aws.client("s3")

    def read(path: str) -> bytes:
        key = f"{database_name}/{path}"
        return s3.get_object(Bucket="artifacts", Key=key)["Body"].read()

    assert artifacts.lost(read) == []
    assert artifacts.failures != []
    assert artifacts.failed_after(back) == []
