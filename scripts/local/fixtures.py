"""A plugin of pytest, `-p local.fixtures`: one stack, and one task on it, for all tests."""

from collections.abc import Iterator

import pytest

from local.stack import Stack
from local.task import Task


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def task(stack: Stack) -> Task:
    """A task that every test may use and none may break."""
    stack.database.create("mlflow")
    task = stack.task()
    task.start()
    return task
