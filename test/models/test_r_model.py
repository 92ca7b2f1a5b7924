"""The model of R, as a process."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from local.task import IMAGES
from model_server import JSON, Invoked

IMAGE = IMAGES / "r-model"
CSV = {"Content-Type": "text/csv"}
FLOWER = {"Sepal.Length": 5.1, "Sepal.Width": 3.5, "Petal.Length": 1.4}


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("r") / "model.rds"
    environment = {**os.environ, "MODEL_FILE": str(file)}
    subprocess.run(["Rscript", IMAGE / "train.R"], env=environment, check=True)
    return file


@pytest.fixture
def server(model_file: Path, tmp_path: Path) -> Iterator[Invoked]:
    server = Invoked([IMAGE / "serve"], {"MODEL_FILE": str(model_file)}, tmp_path / "log")
    server.wait_for(200)
    yield server
    server.service.kill_all()


def test_predicts_as_the_model_does(server: Invoked, model_file: Path) -> None:
    script = f"cat(predict(readRDS('{model_file}'), head(iris, 2)), sep = '\\n')"
    expected = subprocess.check_output(["Rscript", "-e", script], text=True).split()
    second = {"Sepal.Length": 4.9, "Sepal.Width": 3.0, "Petal.Length": 1.4}

    of_json = server.invoke({"instances": [FLOWER, second]})
    of_csv = server.invoke("Sepal.Length,Sepal.Width,Petal.Length\n5.1,3.5,1.4\n", CSV)

    assert of_json.status == 200
    assert of_json.json["predictions"] == pytest.approx([float(text) for text in expected], 1e-6)
    assert of_csv.json == {"predictions": of_json.json["predictions"][:1]}


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        ("{", JSON, 400, "the body is not application/json: "),
        ("", JSON, 400, "the body is not application/json: "),
        ("", CSV, 400, "the body is not text/csv: "),
        ({}, JSON, 400, "no rows: "),
        ([1], JSON, 400, "no rows: "),
        ({"instances": []}, JSON, 400, "no rows: "),
        ({"instances": [5]}, JSON, 400, "missing or not a number: Sepal.Length, Sepal.Width, Pe"),
        ({"instances": [{**FLOWER, "Sepal.Width": "wide"}]}, JSON, 400, "number: Sepal.Width"),
        ({"instances": [FLOWER, {"Sepal.Width": 1}]}, JSON, 400, "number: Sepal.Length, Petal.Le"),
        ("{}", {"Content-Type": "application/xml"}, 415, "send application/json or text/csv"),
        ("{}", {}, 415, "send application/json or text/csv"),
    ],
)
def test_refuses_a_bad_request(
    server: Invoked, body: object, headers: dict[str, str], status: int, message: str
) -> None:
    reply = server.invoke(body, headers)

    assert reply.status == status, reply.text
    assert message in reply.json["message"]


def test_ends_on_sigterm(server: Invoked) -> None:
    server.service.signal(signal.SIGTERM)

    assert server.wait_for_end() == 0
    assert server.ping() == 0
