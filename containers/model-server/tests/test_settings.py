import os
from pathlib import Path

import pytest

from mlops_model_server import settings
from mlops_model_server.errors import Failure


def test_on_an_instance_there_is_a_worker_for_each_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2})

    read = settings.read({})

    assert read == settings.Settings(8080, Path("/opt/ml/model"), "", 3)


def test_on_a_serverless_endpoint_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2})

    read = settings.read({"MODEL_S3_URI": "s3://bucket/model"})

    assert (read.workers, read.model_s3_uri) == (1, "s3://bucket/model")


def test_reads_what_sagemaker_sets() -> None:
    given = {"SAGEMAKER_BIND_TO_PORT": "8081", "SAGEMAKER_MODEL_SERVER_WORKERS": "2"}

    read = settings.read(given)

    assert (read.port, read.workers) == (8081, 2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "http", '_PORT is "http": set it to a whole number from 1'),
        ("SAGEMAKER_BIND_TO_PORT", "65536", "from 1 to 65535"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "0", 'WORKERS is "0": set it to a whole number'),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "²", 'WORKERS is "²"'),
    ],
)
def test_one_line_names_setting_value_and_fix(name: str, value: str, message: str) -> None:
    with pytest.raises(Failure) as failure:
        settings.read({name: value})

    assert message in str(failure.value)
    assert "\n" not in str(failure.value)
