"""From the start of the model server to its end."""

import json
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import odd_models
import pytest
from local.processes import wait_until
from model_server import BIN, JSON, ModelServer

Start = Callable[..., ModelServer]
Save = Callable[..., Path]


def number(value: int) -> dict[str, object]:
    return {"dataframe_split": {"columns": ["number"], "data": [[value]]}}


@pytest.fixture(params=["1", "2"], ids=["one worker", "two workers"])
def workers(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def slow_to_load(save: Save, tmp_path: Path) -> tuple[Path, Path]:
    """A model, and the file that it waits for."""
    file = tmp_path / "load"
    file.touch()
    folder = save(odd_models.SlowToLoad(file), serialization_format="cloudpickle")
    file.unlink()
    return folder, file


def test_is_not_ready_until_the_model_is_loaded(
    start: Start, slow_to_load: tuple[Path, Path], workers: str
) -> None:
    folder, file = slow_to_load
    server = start(MODEL_FOLDER=str(folder), SAGEMAKER_MODEL_SERVER_WORKERS=workers)

    server.wait_for(503)
    reply = server.invoke(number(1))
    assert (reply.status, reply.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")

    file.touch()
    server.wait_for(200)
    assert server.invoke(number(1)).json == {"predictions": [1.0]}


def test_ends_at_once_while_it_loads(
    start: Start, slow_to_load: tuple[Path, Path], workers: str
) -> None:
    folder, _ = slow_to_load
    server = start(MODEL_FOLDER=str(folder), SAGEMAKER_MODEL_SERVER_WORKERS=workers)
    server.wait_for(503)

    server.service.signal(signal.SIGTERM)

    assert server.wait_for_end() == 0


def test_answers_what_is_in_hand_before_it_ends(
    start: Start, save: Save, tmp_path: Path, workers: str
) -> None:
    folder = save(odd_models.SlowToPredict(tmp_path), serialization_format="cloudpickle")
    server = start(MODEL_FOLDER=str(folder), SAGEMAKER_MODEL_SERVER_WORKERS=workers)
    server.wait_for(200)
    connections = [server.connect() for _ in range(8)]
    for value, connection in enumerate(connections):
        connection.request("POST", "/invocations", json.dumps(number(value)), JSON)
    # One is with each worker, and the others wait; the server, which answers, has read them all.
    wait_until(lambda: len(list(tmp_path.glob("begun-*"))) == int(workers), "the predictions")
    assert server.ping() == 200

    server.service.signal(signal.SIGTERM)
    wait_until(lambda: server.ping() == 0, "the refusal of new connections")
    (tmp_path / "go").touch()

    answers = [json.load(connection.getresponse()) for connection in connections]
    assert answers == [{"predictions": [float(value)]} for value in range(8)]
    assert server.wait_for_end() == 0
    assert "ERROR" not in {line["level"] for line in server.records()}


def test_ends_when_a_worker_is_killed(start: Start, save: Save, tmp_path: Path) -> None:
    folder = save(odd_models.SlowToPredict(tmp_path), serialization_format="cloudpickle")
    server = start(MODEL_FOLDER=str(folder), SAGEMAKER_MODEL_SERVER_WORKERS="2")
    server.wait_for(200)

    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(server.invoke, number(1))
        wait_until(lambda: (tmp_path / "begun-1").exists(), "the prediction")
        for process in server.service.members()[1:]:
            if "spawn_main" in " ".join(process.cmdline()):
                process.kill()
        assert reply.result().status == 503

    assert server.wait_for_end() == 1
    assert "mlops-model-server: a worker was killed, most likely since" in server.log.read_text()


def test_a_folder_without_a_model(start: Start, tmp_path: Path, workers: str) -> None:
    server = start(MODEL_FOLDER=str(tmp_path), SAGEMAKER_MODEL_SERVER_WORKERS=workers)

    assert server.wait_for_end() == 1
    assert server.complaints() == [
        f"mlops-model-server: {tmp_path}/MLmodel: No such file or directory: deploy the folder of "
        "an MLflow model, the one that holds MLmodel"
    ]


def test_a_model_that_can_not_be_loaded(
    start: Start, tmp_path: Path, diabetes_folder: Path, workers: str
) -> None:
    text = (diabetes_folder / "MLmodel").read_text().replace("mlflow.sklearn", "elsewhere.loader")
    (tmp_path / "MLmodel").write_text(text)
    server = start(MODEL_FOLDER=str(tmp_path), SAGEMAKER_MODEL_SERVER_WORKERS=workers)

    assert server.wait_for_end() == 1
    assert server.complaints() == [
        f"mlops-model-server: the model in {tmp_path} can not be loaded: "
        "ModuleNotFoundError: No module named 'elsewhere'"
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("train",), '"train" is no command: start it with "serve"'),
        (("serve", "now"), '"serve now" is no command: start it with "serve"'),
    ],
)
def test_a_wrong_command(start: Start, arguments: tuple[str, ...], line: str) -> None:
    server = start(*arguments)

    assert server.wait_for_end() == 2
    assert server.log.read_text() == f"mlops-model-server: {line}\n"


def test_help(start: Start) -> None:
    server = start("--help")

    assert server.wait_for_end() == 0
    assert server.log.read_text().startswith("usage: mlops-model-server serve\n")


def test_a_bad_setting(start: Start) -> None:
    server = start(SAGEMAKER_MODEL_SERVER_WORKERS="many")

    assert server.wait_for_end() == 1
    assert server.log.read_text() == (
        'mlops-model-server: SAGEMAKER_MODEL_SERVER_WORKERS is "many": '
        "set it to a whole number from 1 to 256\n"
    )


def test_the_garbage_collector_leaves_the_model_alone(diabetes_folder: Path) -> None:
    start = """
import gc, pathlib, sys
from mlops_model_server import worker
worker.start(pathlib.Path(sys.argv[1]))
print(gc.get_freeze_count(), len(gc.get_objects()))
"""
    command = [BIN / "python", "-c", start, diabetes_folder]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    frozen, left = map(int, result.stdout.split())

    assert frozen > 100_000
    assert left < 1_000
