"""One stack for all tests; those that break more than a process start tasks of their own."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from idle import IdleStack
from local.stack import Stack
from local.task import Task

numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The idle stack is watched while the others run, and judged at the end.
    items.sort(key=lambda item: "idle" in item.fixturenames)


@pytest.fixture(scope="session")
def idle(request: pytest.FixtureRequest) -> Iterator[IdleStack]:
    with IdleStack() as stack:
        yield stack


@pytest.fixture(scope="session", autouse=True)
def watch_idle_from_the_start(request: pytest.FixtureRequest) -> None:
    if any("idle" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("idle")


@pytest.fixture
def database_name(stack: Stack) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"test_{next(numbers)}"
    stack.database.create(name)
    yield name
    stack.database.drop(name)


@pytest.fixture
def own_task(stack: Stack, database_name: str) -> Iterator[Callable[..., Task]]:
    """Starts tasks on the test's own database."""
    tasks = []

    def start(**options: object) -> Task:
        task = stack.task(database_name=database_name, **options)
        tasks.append(task)
        task.start()
        return task

    yield start
    for task in tasks:
        task.stop()


@pytest.fixture
def client(task: Task, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The client's environment, as the outputs of the Pulumi stack give it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", task.url)
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    mlflow.set_tracking_uri(task.url)
    yield
    mlflow.set_tracking_uri(None)
