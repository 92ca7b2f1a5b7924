"""The model from S3, for a serverless endpoint: it mounts none, and can write to /tmp only."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mlops_model_server.errors import Failure

# A serverless endpoint has 3 minutes from its start to the first 200 of /ping:
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html
TIME_LIMIT = 120.0


def download(uri: str, folder: Path) -> None:
    """
    Copies what lies under s3://BUCKET/PREFIX into an existing folder, with the credentials of the
    role. Raises `Failure` for a bad URI, when nothing is there, or when it can not be had in time.
    """
    match = re.fullmatch(r"s3://([^/]+)/(.*[^/])/?", uri)
    if match is None:
        raise Failure(f'MODEL_S3_URI is "{uri}": set it to s3://BUCKET/PREFIX')
    bucket, prefix = match[1], f"{match[2]}/"
    deadline = time.monotonic() + TIME_LIMIT
    bounded = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3})
    try:
        client = boto3.client("s3", config=bounded)
        keys = list_keys(client, bucket, prefix)
        if not keys:
            raise Failure(f"nothing lies under {uri} (MODEL_S3_URI): set it to a model's folder")
        for key in keys:
            path = folder / key.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(
                bucket,
                key,
                str(path),
                # Its threads would hold up the end of a process that is told to stop.
                Config=TransferConfig(use_threads=False),
                Callback=keep_to(deadline, uri),
            )
    except (BotoCoreError, ClientError) as error:
        raise Failure(
            f"can not download {uri} (MODEL_S3_URI): {error}; the execution role needs "
            "s3:ListBucket on the bucket, s3:GetObject below the prefix and kms:Decrypt on the key"
        ) from error
    except OSError as error:
        raise Failure(f"can not keep {uri} (MODEL_S3_URI) in {folder}: {error.strerror}") from error


def list_keys(client: Any, bucket: str, prefix: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    # S3's console marks folders with empty objects.
    return [key for key in keys if not key.endswith("/")]


def keep_to(deadline: float, uri: str) -> Callable[[int], None]:
    def check(_bytes: int) -> None:
        if time.monotonic() > deadline:
            raise Failure(
                f"the download of {uri} (MODEL_S3_URI) took longer than {TIME_LIMIT:.0f} s: make "
                "the model smaller, or serve it on instances, which mount it"
            )

    return check
