"""Those whom the front knows, and the environment of a program that is one of them."""

import pytest
from front import REGION

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ARN = "arn:aws:iam::123456789012:user/somebody"


def environment(access_key: str, secret_key: str) -> dict[str, str]:
    """With these credentials, and none of the machine's."""
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MLOPS_SIGV4_REGION": REGION,
    }


def as_caller(monkeypatch: pytest.MonkeyPatch, access_key: str, secret_key: str) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment(access_key, secret_key).items():
        monkeypatch.setenv(name, value)
