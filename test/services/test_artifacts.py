"""Artifacts of any size, whose bytes pass neither nginx nor MLflow."""

import hashlib
from pathlib import Path

import pytest
from local.stack import Stack
from local.task import Task

MIB = 1024 * 1024
LARGE = 300 * MIB


def make_file(path: Path, size: int) -> str:
    """A file that does not compress; its hash."""
    block = hashlib.sha256(str(size).encode()).digest() * (MIB // 32)
    with path.open("wb") as output:
        while size > 0:
            output.write(block[: min(size, MIB)])
            size -= MIB
            block = block[7:] + block[:7]
    return sha256(path)


def sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


@pytest.mark.parametrize("size", [0, 2, 12 * MIB, LARGE])
@pytest.mark.usefixtures("client")
def test_comes_back_as_it_was(stack: Stack, task: Task, tmp_path: Path, size: int) -> None:
    import mlflow

    source = tmp_path / "größe 1.bin"
    expected = make_file(source, size)
    seen_by_nginx = len(task.requests())
    seen_by_s3 = len(stack.aws.s3_log())

    with mlflow.start_run() as run:
        mlflow.log_artifact(str(source), "some/folder")
    path = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id,
        artifact_path=f"some/folder/{source.name}",
        dst_path=str(tmp_path / "back"),
    )

    assert Path(path).stat().st_size == size
    assert sha256(Path(path)) == expected
    through_nginx = task.requests()[seen_by_nginx:]
    assert {request["status"] for request in through_nginx} == {200}
    assert sum(request["bytes_in"] + request["bytes_out"] for request in through_nginx) < 100_000
    if size:
        # The client's own requests, by presigned URLs; not those of MLflow.
        direct = [
            request
            for request in stack.aws.s3_log()[seen_by_s3:]
            if request["agent"].startswith("python-requests")
        ]
        assert sum(request["bytes_in"] for request in direct if request["method"] == "PUT") > size
        assert sum(request["bytes_out"] for request in direct if request["method"] == "GET") > size
