import pytest

from mlops_model_server import cli


def test_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2

    assert capsys.readouterr().err == (
        'mlops-model-server: no command is given: start it with "serve"\n'
    )
