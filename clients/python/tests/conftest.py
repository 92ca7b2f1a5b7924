"""A server that checks signatures, and callers that it knows."""

from collections.abc import Iterator

import pytest
from callers import ACCESS_KEY, ARN, SECRET_KEY, as_caller
from front import Front
from sigv4 import Caller


@pytest.fixture(scope="module")
def server() -> Iterator[Front]:
    with Front({ACCESS_KEY: Caller(ARN, SECRET_KEY)}) as front:
        yield front


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    as_caller(monkeypatch, ACCESS_KEY, SECRET_KEY)
