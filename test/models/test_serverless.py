"""The model of a serverless endpoint, from S3."""

import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas
import pytest
from local.aws import BUCKET, CREDENTIALS, REGION, Aws
from local.processes import HOST
from model_server import ModelServer

Start = Callable[..., ModelServer]


@pytest.fixture(scope="module")
def prefix(aws: Aws, diabetes_folder: Path) -> str:
    """Where the diabetes model lies, as MLflow's server puts it."""
    prefix = "1/models/m-0123/artifacts"
    s3 = aws.client("s3")
    for path in sorted(diabetes_folder.rglob("*")):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(diabetes_folder)}"
            s3.upload_file(str(path), BUCKET, key)
    # Another one, which begins alike.
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}-2/MLmodel", Body=b"not this one")
    return prefix


def environment(aws: Aws, **others: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": aws.s3_url,
        "AWS_REGION": REGION,
        **CREDENTIALS,
        **others,
    }


@pytest.mark.parametrize("end", ["", "/"])
def test_is_downloaded_and_served(
    start: Start, aws: Aws, prefix: str, diabetes: tuple[Any, pandas.DataFrame], end: str
) -> None:
    server = start(**environment(aws, MODEL_S3_URI=f"s3://{BUCKET}/{prefix}{end}"))
    server.wait_for(200)

    rows = diabetes[1].head(2)
    reply = server.invoke({"dataframe_split": rows.to_dict(orient="split", index=False)})

    assert reply.json["predictions"] == pytest.approx(diabetes[0].predict(rows).tolist())
    # Serverless endpoints have no semaphores, which a process of its own for the model would need.
    assert server.service.members()[1:] == []


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        (f"s3://{BUCKET}/1/models/none", "nothing lies under s3://artifacts/1/models/none"),
        (f"s3://{BUCKET}/1/models", "/MLmodel: No such file or directory: deploy the folder"),
        ("s3://missing/1", "can not download s3://missing/1 (MODEL_S3_URI): An error occurred"),
        ("models:/iris/1", 'MODEL_S3_URI is "models:/iris/1": set it to s3://BUCKET/PREFIX'),
        (f"s3://{BUCKET}", f'MODEL_S3_URI is "s3://{BUCKET}": set it to s3://BUCKET/PREFIX'),
    ],
)
def test_tells_in_one_line_what_is_wrong(
    start: Start, aws: Aws, prefix: str, uri: str, complaint: str
) -> None:
    server = start(**environment(aws, MODEL_S3_URI=uri))

    assert server.wait_for_end() == 1
    (line,) = server.complaints()
    assert complaint in line


@pytest.fixture
def stranger(aws: Aws) -> Iterator[dict[str, str]]:
    """Credentials of somebody without any right, while the stand-in checks rights."""
    iam = aws.client("iam")
    iam.create_user(UserName="stranger")
    key = iam.create_access_key(UserName="stranger")["AccessKey"]

    def allow_unchecked(requests: bytes) -> None:
        url = f"{aws.secrets_url}/moto-api/reset-auth"
        headers = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(url, requests, headers)).close()

    allow_unchecked(b"0")
    yield {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    allow_unchecked(b"inf")


def test_tells_which_rights_are_missing(
    start: Start, aws: Aws, prefix: str, stranger: dict[str, str]
) -> None:
    uri = f"s3://{BUCKET}/{prefix}"
    server = start(**environment(aws, MODEL_S3_URI=uri, **stranger))

    assert server.wait_for_end() == 1
    (line,) = server.complaints()
    assert f"can not download {uri} (MODEL_S3_URI): An error occurred (AccessDenied)" in line
    assert "needs s3:ListBucket on the bucket, s3:GetObject below the prefix" in line


def test_gives_up_when_s3_does_not_answer(start: Start, aws: Aws) -> None:
    with socket.create_server((HOST, 0)) as silent:
        url = f"http://{HOST}:{silent.getsockname()[1]}"
        settings = environment(aws, MODEL_S3_URI=f"s3://{BUCKET}/1", AWS_ENDPOINT_URL_S3=url)
        server = start(**settings)

        assert server.wait_for_end() == 1
        (line,) = server.complaints()
        assert f'Read timeout on endpoint URL: "{url}' in line
