"""The database user and password, which RDS keeps in Secrets Manager and changes every week."""

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlops_mlflow.errors import Failure
from mlops_mlflow.settings import required


@dataclass(frozen=True)
class Credentials:
    user: str
    # Kept out of logs.
    password: str = field(repr=False)


class CredentialsSource:
    """Credentials read once, and read again when the database has refused them."""

    def __init__(self, read: Callable[[], str], name: str) -> None:
        self._read = read
        self._name = name
        self._lock = threading.Lock()
        self._current: Credentials | None = None

    def current(self) -> Credentials:
        with self._lock:
            if self._current is None:
                self._current = self._fetch()
            return self._current

    def replaced(self, refused: Credentials) -> Credentials:
        """Credentials newer than the refused ones, where there are such; else the same."""
        with self._lock:
            # Of many connections that were refused together, one reads the secret for all.
            if self._current is None or self._current == refused:
                self._current = self._fetch()
            return self._current

    def _fetch(self) -> Credentials:
        try:
            secret = json.loads(self._read())
            return Credentials(user=secret["username"], password=secret["password"])
        except (ValueError, TypeError, KeyError):
            raise Failure(
                f"{self._name} does not hold a username and a password: "
                'it must be JSON, {"username": "…", "password": "…"}'
            ) from None


def from_environment(environment: Mapping[str, str] = os.environ) -> CredentialsSource:
    """The secret named by DATABASE_SECRET_ARN, or for a laptop the file of DATABASE_SECRET_FILE."""
    if path := environment.get("DATABASE_SECRET_FILE"):
        return CredentialsSource(lambda: read_file(path), f"DATABASE_SECRET_FILE {path}")
    arn = required(environment, "DATABASE_SECRET_ARN", "the ARN of the database's secret")
    return CredentialsSource(lambda: read_secret(arn), f"the secret {arn}")


def read_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"DATABASE_SECRET_FILE {path}: {error.strerror}") from error


def read_secret(arn: str) -> str:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    bounded = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3})
    try:
        client = boto3.client("secretsmanager", config=bounded)
        return client.get_secret_value(SecretId=arn)["SecretString"]
    except (BotoCoreError, ClientError) as error:
        raise Failure(
            f"can not read the secret {arn} (DATABASE_SECRET_ARN): {error}; the task role needs "
            "secretsmanager:GetSecretValue on it and kms:Decrypt on its key"
        ) from error
