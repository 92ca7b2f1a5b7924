"""Every image is built, and started as its own user on a read-only root."""

import json
import urllib.request
from pathlib import Path

import pytest
from local.processes import HOST, Service, free_port, get_status, wait_until
from local.stack import Stack
from local.task import IMAGES

from builders import Builder, say

CONTEXTS = sorted(path.parent for path in IMAGES.glob("*/Dockerfile"))


@pytest.fixture(scope="session")
def tags(builder: Builder) -> dict[str, str]:
    return {}


@pytest.fixture
def image(request: pytest.FixtureRequest, builder: Builder, tags: dict[str, str]) -> str:
    """The tag of the image of the parameter, built at its first use."""
    name = request.param
    if name not in tags:
        say(f"building {name}")
        builder.build(IMAGES / name, f"mlops-test/{name}")
        tags[name] = f"mlops-test/{name}"
    return tags[name]


@pytest.mark.parametrize("image", [path.name for path in CONTEXTS], indirect=True)
def test_is_built_for_a_user_without_rights(builder: Builder, image: str) -> None:
    user = builder.config(image)["User"]

    assert user not in ("", "0", "root", "0:0")


def wait_for_end(service: Service, log: Path) -> str:
    service.process.wait(180)
    return log.read_text()


def start_mlflow(
    builder: Builder, image: str, stack: Stack, folder: Path, command: str
) -> tuple[Service, Path, int]:
    task = stack.task(database_name="images")
    port = free_port()
    varying = {
        name: value
        for name, value in task.mlflow_environment.items()
        if name.startswith(("DATABASE_", "AWS_", "MLFLOW_ART", "MLFLOW_WORKERS", "MLFLOW_S3"))
    }
    varying |= {"MLFLOW_PORT": str(port), "DATABASE_CA_FILE": "/tmp/ca.pem"}
    log = folder / f"{command}.log"
    ca_file = (stack.database.ca_file, "/tmp/ca.pem")
    return builder.start(image, [command], varying, log, ca_file), log, port


@pytest.mark.parametrize("image", ["mlflow"], indirect=True)
def test_mlflow_migrates_serves_and_stops(
    builder: Builder, image: str, stack: Stack, tmp_path: Path
) -> None:
    stack.database.create("images")
    migration, log, _ = start_mlflow(builder, image, stack, tmp_path, "migrate")
    assert "the schema of images is at" in wait_for_end(migration, log)
    assert migration.process.returncode == 0

    server, log, port = start_mlflow(builder, image, stack, tmp_path, "server")
    wait_until(lambda: get_status(port, "/health") == 200 or not server.running(), "the start", 180)
    assert server.running(), log.read_text()
    path = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    assert get_status(port, path) == 200
    health = builder.start(image, ["healthcheck"], {"MLFLOW_PORT": str(port)}, tmp_path / "health")
    assert health.process.wait(60) == 0

    assert server.stop() == 0, log.read_text()


@pytest.mark.parametrize("image", ["mlflow"], indirect=True)
def test_mlflow_tells_a_missing_setting(builder: Builder, image: str, tmp_path: Path) -> None:
    server = builder.start(image, ["server"], {}, tmp_path / "log")

    assert server.process.wait(60) == 1
    assert "MLFLOW_ARTIFACTS_DESTINATION is not set" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("image", ["nginx"], indirect=True)
def test_nginx_serves_and_stops(builder: Builder, image: str, tmp_path: Path) -> None:
    port, nobody = free_port(), free_port()
    environment = {
        "ALLOWED_HOSTS": "localhost",
        "LISTEN": f"{HOST}:{port}",
        "UPSTREAM": f"{HOST}:{nobody}",
    }
    nginx = builder.start(image, [], environment, tmp_path / "log")

    wait_until(lambda: get_status(port, "/health") == 502 or not nginx.running(), "the start")
    assert nginx.running(), (tmp_path / "log").read_text()
    assert get_status(port, "/", host="evil.example") == 403
    assert nginx.stop() == 0, (tmp_path / "log").read_text()


def invoke(port: int, body: object) -> dict[str, list[float]]:
    """The answer to a POST as SageMaker sends it. Raises where the status is an error."""
    request = urllib.request.Request(
        f"http://{HOST}:{port}/invocations",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def wait_for_ping(service: Service, port: int, log: Path) -> None:
    wait_until(lambda: get_status(port, "/ping") == 200 or not service.running(), "the start", 180)
    assert service.running(), log.read_text()


@pytest.mark.parametrize("image", ["model-server"], indirect=True)
def test_model_server_serves_and_stops(builder: Builder, image: str, tmp_path: Path) -> None:
    import mlflow
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    mlflow.sklearn.save_model(model, tmp_path / "model")
    port = free_port()
    log = tmp_path / "log"
    environment = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_MODEL_SERVER_WORKERS": "2"}
    mounted = (tmp_path / "model", "/opt/ml/model")
    server = builder.start(image, ["serve"], environment, log, mounted)

    wait_for_ping(server, port, log)
    answer = invoke(port, {"dataframe_split": {"columns": ["x"], "data": [[2.0]]}})
    assert answer == {"predictions": [pytest.approx(5.0)]}
    assert server.stop() == 0, log.read_text()


@pytest.mark.parametrize("image", ["model-server"], indirect=True)
def test_model_server_tells_a_missing_command(builder: Builder, image: str, tmp_path: Path) -> None:
    server = builder.start(image, [], {}, tmp_path / "log")

    assert server.process.wait(60) == 2
    assert "no command is given" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("image", ["r-model"], indirect=True)
def test_r_model_serves_and_stops(builder: Builder, image: str, tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    server = builder.start(image, ["serve"], {"SAGEMAKER_BIND_TO_PORT": str(port)}, log)

    wait_for_ping(server, port, log)
    flower = {"Sepal.Length": 5.1, "Sepal.Width": 3.5, "Petal.Length": 1.4}
    answer = invoke(port, {"instances": [flower]})
    assert answer == {"predictions": [pytest.approx(0.22, abs=0.05)]}
    assert server.stop() == 0, log.read_text()
