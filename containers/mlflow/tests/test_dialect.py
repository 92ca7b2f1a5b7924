import pymysql
import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import registry

from mlops_mlflow import dialect
from mlops_mlflow.secret import CredentialsSource

registry.register("mysql.rotating", "mlops_mlflow.dialect", "RotatingPasswordDialect")


class Server:
    """What PyMySQL would connect to."""

    def __init__(self, password: str, refuse: int = 1045) -> None:
        self.password = password
        self.refuse = refuse
        self.tried: list[str] = []

    def connect(self, **options: object) -> object:
        self.tried.append(str(options["password"]))
        if options["password"] != self.password:
            raise pymysql.err.OperationalError(self.refuse, "no")
        return object()


def connect(monkeypatch: pytest.MonkeyPatch, server: Server, *secrets: str) -> object:
    versions = [f'{{"username": "mlflow", "password": "{secret}"}}' for secret in secrets]
    source = CredentialsSource(lambda: versions.pop(0), "the secret")
    monkeypatch.setattr(dialect, "credentials_source", lambda: source)
    monkeypatch.setattr(pymysql, "connect", server.connect)
    return create_engine("mysql+rotating://db/mlflow").dialect.connect()


def test_connects_with_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("first")
    connect(monkeypatch, server, "first")
    assert server.tried == ["first"]


def test_tries_the_new_secret_when_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("second")
    connect(monkeypatch, server, "first", "second")
    assert server.tried == ["first", "second"]


def test_tries_only_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("third")
    with pytest.raises(pymysql.err.OperationalError):
        connect(monkeypatch, server, "first", "second", "third")
    assert server.tried == ["first", "second"]


def test_does_not_repeat_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("second", refuse=2003)
    with pytest.raises(pymysql.err.OperationalError):
        connect(monkeypatch, server, "first", "second")
    assert server.tried == ["first"]
