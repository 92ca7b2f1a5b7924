from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlops_model_server import download
from mlops_model_server.errors import Failure


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client


def test_keeps_the_folders_below_the_prefix(s3: Any, tmp_path: Path) -> None:
    for key in ("a/model/MLmodel", "a/model/data/part/1", "a/model/data/", "a/model2/MLmodel"):
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())

    download.download("s3://bucket/a/model", tmp_path)

    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"MLmodel", "data/part/1"}
    assert (tmp_path / "data/part/1").read_text() == "a/model/data/part/1"


def test_reads_every_page_of_the_list(s3: Any) -> None:
    for number in range(1001):
        s3.put_object(Bucket="bucket", Key=f"model/{number}", Body=b"")

    assert len(download.list_keys(s3, "bucket", "model/")) == 1001


def test_gives_up_in_time(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put_object(Bucket="bucket", Key="model/MLmodel", Body=b"flavors")
    monkeypatch.setattr(download, "TIME_LIMIT", 0)

    with pytest.raises(Failure, match="download of s3://bucket/model .* took longer than 0 s"):
        download.download("s3://bucket/model", tmp_path)


def test_tells_what_the_disk_refuses(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="bucket", Key="model/data/1", Body=b"flavors")
    (tmp_path / "data").write_text("in the way")

    with pytest.raises(Failure, match="can not keep s3://bucket/model .* in .*: File exists"):
        download.download("s3://bucket/model", tmp_path)
