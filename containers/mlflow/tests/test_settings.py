import pytest
from sqlalchemy import make_url

from mlops_mlflow import cli, server, settings
from mlops_mlflow.errors import Failure

GOOD = {
    "DATABASE_HOST": "db.example.com",
    "DATABASE_CA_FILE": "/etc/ssl/rds/global-bundle.pem",
    "MLFLOW_ARTIFACTS_DESTINATION": "s3://bucket",
    "MLFLOW_WORKERS": "2",
}


def test_the_uri_holds_host_and_authority_and_nobody() -> None:
    url = make_url(settings.database(GOOD).uri(query_timeout=25))

    assert url.drivername == "mysql+rotating"
    assert (url.host, url.port, url.database) == ("db.example.com", 3306, "mlflow")
    assert (url.username, url.password) == (None, None)
    assert url.query["ssl_ca"] == "/etc/ssl/rds/global-bundle.pem"
    assert url.query["read_timeout"] == "25"


def test_a_migration_may_take_its_time() -> None:
    assert "read_timeout" not in settings.database(GOOD).uri(query_timeout=None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DATABASE_HOST", "", "DATABASE_HOST is not set"),
        ("DATABASE_PORT", "mysql", 'DATABASE_PORT is "mysql": set it to a whole number from 1'),
        ("DATABASE_PORT", "70000", 'DATABASE_PORT is "70000"'),
        ("MLFLOW_WORKERS", "0", 'MLFLOW_WORKERS is "0": set it to a whole number from 1 to 32'),
        ("MLFLOW_WORKERS", "1.5", 'MLFLOW_WORKERS is "1.5"'),
        ("MLFLOW_WORKERS", "²", 'MLFLOW_WORKERS is "²"'),
        ("MLFLOW_ARTIFACTS_DESTINATION", "", "MLFLOW_ARTIFACTS_DESTINATION is not set"),
        ("MLFLOW_ARTIFACTS_DESTINATION", "/tmp", 'DESTINATION is "/tmp": set it to s3://BUCKET'),
        ("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "nullpool", 'POOLCLASS is "nullpool"'),
        ("DATABASE_SECRET_ARN", "", "DATABASE_SECRET_ARN is not set"),
    ],
)
def test_one_line_names_setting_value_and_fix(name: str, value: str, message: str) -> None:
    with pytest.raises(Failure) as failure:
        server.mlflow_environment({**GOOD, name: value})

    assert message in str(failure.value)
    assert "\n" not in str(failure.value)


def test_the_command_prints_the_line_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_HOST", raising=False)

    assert cli.main(["migrate"]) == 1

    assert capsys.readouterr().err == (
        "mlops-mlflow: DATABASE_HOST is not set: set it to the host name of the database\n"
    )
