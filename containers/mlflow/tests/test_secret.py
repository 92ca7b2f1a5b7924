import threading
from pathlib import Path

import pytest

from mlops_mlflow.errors import Failure
from mlops_mlflow.secret import Credentials, CredentialsSource, from_environment


class Secret:
    def __init__(self) -> None:
        self.password = "first"
        self.reads = 0

    def read(self) -> str:
        self.reads += 1
        return f'{{"username": "mlflow", "password": "{self.password}"}}'


def test_is_read_once() -> None:
    secret = Secret()
    source = CredentialsSource(secret.read, "the secret")

    assert source.current() == source.current() == Credentials("mlflow", "first")
    assert secret.reads == 1


def test_is_read_again_when_refused_once_for_all() -> None:
    secret = Secret()
    source = CredentialsSource(secret.read, "the secret")
    refused = source.current()
    secret.password = "second"

    found: list[Credentials] = []
    threads = [
        threading.Thread(target=lambda: found.append(source.replaced(refused))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [Credentials("mlflow", "second")] * 20
    assert source.current().password == "second"
    assert secret.reads == 2


def test_password_is_not_in_the_representation() -> None:
    assert "first" not in repr(Credentials("mlflow", "first"))


@pytest.mark.parametrize("text", ["", "first", "[]", '"a"', '{"username": "mlflow"}', "null"])
def test_bad_content_fails_without_showing_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)

    with pytest.raises(Failure, match="does not hold a username and a password") as failure:
        from_environment({"DATABASE_SECRET_FILE": str(file)}).current()

    assert text not in str(failure.value).replace(str(file), "") or text in ("", "[]", "null")


def test_missing_file_fails(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file"):
        from_environment({"DATABASE_SECRET_FILE": str(tmp_path / "none")}).current()
