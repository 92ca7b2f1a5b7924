"""Models as MLflow logs them, and the servers that serve them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import odd_models
import pandas
import pytest
from local.aws import Aws
from local.processes import Service
from model_server import ModelServer

cloudpickle.register_pickle_by_value(odd_models)


@pytest.fixture(scope="session")
def save(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Logs a model, with a tracking store of its own, and gives the folder of its artifacts."""
    import mlflow

    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("models", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("models")

    def save(model: object, **options: Any) -> Path:
        with mlflow.start_run():
            info = mlflow.sklearn.log_model(model, name="model", **options)
        return Path(mlflow.artifacts.download_artifacts(info.model_uri))

    return save


@pytest.fixture(scope="session")
def diabetes() -> tuple[Any, pandas.DataFrame]:
    """A model and its data."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    data, target = load_diabetes(return_X_y=True, as_frame=True)
    return Ridge(alpha=0.1).fit(data, target), data


@pytest.fixture(scope="session")
def diabetes_folder(save: Callable[..., Path], diabetes: tuple[Any, pandas.DataFrame]) -> Path:
    from mlflow.models import infer_signature

    model, data = diabetes
    return save(model, signature=infer_signature(data, model.predict(data)))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ModelServer]]:
    """Starts a model server; what is given by name becomes its environment."""
    services: list[Service] = []

    def start(*arguments: str, **settings: str) -> ModelServer:
        server = ModelServer(tmp_path, settings, arguments or ("serve",))
        services.append(server.service)
        return server

    yield start
    for service in services:
        service.kill_all()


@pytest.fixture(scope="module")
def diabetes_server(
    diabetes_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServer]:
    """A server that every test may use and none may break."""
    server = ModelServer(
        tmp_path_factory.mktemp("server"),
        {"MODEL_FOLDER": str(diabetes_folder), "SAGEMAKER_MODEL_SERVER_WORKERS": "2"},
    )
    server.wait_for(200)
    yield server
    server.service.kill_all()


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    aws = Aws(tmp_path_factory.mktemp("aws") / "aws")
    try:
        aws.start()
        yield aws
    finally:
        aws.stop()
