"""The settings of the container, read from its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_model_server.errors import Failure


@dataclass(frozen=True)
class Settings:
    port: int
    # Where SageMaker mounts the model.
    model_folder: Path
    # Where to download it from instead, as s3://BUCKET/PREFIX; empty for nowhere.
    model_s3_uri: str
    workers: int


def read(environment: Mapping[str, str]) -> Settings:
    """Raises `Failure` for a bad setting."""
    model_s3_uri = environment.get("MODEL_S3_URI", "")
    # Python runs on one processor at a time: on two of them, for 16 callers, two processes answered
    # 1.3 to 1.6 times the requests of one, for 180 MB more and 2 ms longer for a lone caller. A
    # serverless endpoint should have one worker:
    # https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    # It is made of Lambda, moreover, where multiprocessing finds no semaphores.
    workers = 1 if model_s3_uri else len(os.sched_getaffinity(0))
    return Settings(
        # SageMaker gives another port to a container of a pipeline:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-real-time.html
        port=whole_number(environment, "SAGEMAKER_BIND_TO_PORT", default=8080, most=65535),
        model_folder=Path(environment.get("MODEL_FOLDER") or "/opt/ml/model"),
        model_s3_uri=model_s3_uri,
        workers=whole_number(
            environment, "SAGEMAKER_MODEL_SERVER_WORKERS", default=workers, most=256
        ),
    )


def whole_number(environment: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        raise Failure(f'{name} is "{text}": set it to a whole number from 1 to {most}')
    return int(text)
