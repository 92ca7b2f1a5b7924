import subprocess
from collections.abc import Iterator

import pytest
from local.stack import Stack

from builders import Buildah, Builder, Docker, say


@pytest.fixture(scope="session")
def builder() -> Iterator[Builder]:
    engine = subprocess.run(["docker", "info"], capture_output=True, check=False)
    builder: Builder = Docker() if engine.returncode == 0 else Buildah()
    say(f"building with {builder.name}")
    yield builder
    builder.close()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack
