"""What a data scientist does, through nginx, with the SDK."""

from pathlib import Path

import pytest
from local.task import Task

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def experiment(request: pytest.FixtureRequest) -> str:
    import mlflow

    name = f"Zuckerkrankheit & größer than ✓ 糖尿病 ({request.node.name})"
    mlflow.set_experiment(name)
    return name


def test_logs_parameters_tags_and_ten_thousand_metrics(experiment: str) -> None:
    import mlflow
    from mlflow.entities import Metric

    client = mlflow.MlflowClient()
    with mlflow.start_run(tags={"team": "ml platform"}) as run:
        mlflow.log_params({f"parameter {number}": number for number in range(100)})
        for start in range(0, 10_000, 1000):
            metrics = [
                Metric("loss", 1 / (step + 1), step, step) for step in range(start, start + 1000)
            ]
            client.log_batch(run.info.run_id, metrics=metrics)
        mlflow.set_tag("größe", "ünïcödé ✓")

    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [
        (step, 1 / (step + 1)) for step in range(10_000)
    ]
    found = mlflow.search_runs(
        experiment_names=[experiment],
        filter_string="metrics.loss < 0.001 and tags.team = 'ml platform'",
        output_format="list",
    )
    assert [one.info.run_id for one in found] == [run.info.run_id]
    assert found[0].data.params["parameter 99"] == "99"
    assert found[0].data.tags["größe"] == "ünïcödé ✓"


def test_a_model_from_training_to_its_alias(experiment: str) -> None:
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    data = load_diabetes(as_frame=True)
    model = Ridge(alpha=0.1).fit(data.data, data.target)
    name = f"diabetes {experiment}"[:60]
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=name,
            input_example=data.data.head(2),
            signature=infer_signature(data.data, data.target),
        )
    client = mlflow.MlflowClient()
    (version,) = client.search_model_versions(f"name = '{name}'")
    client.set_registered_model_alias(name, "champion", version.version)
    client.set_model_version_tag(name, version.version, "validated", "yes")

    loaded = mlflow.sklearn.load_model(f"models:/{name}@champion")

    assert loaded.predict(data.data).tolist() == model.predict(data.data).tolist()
    (registered,) = client.search_registered_models(f"name = '{name}'")
    assert registered.aliases == {"champion": version.version}
    assert client.get_model_version_by_alias(name, "champion").tags == {"validated": "yes"}


def test_small_things_beside_the_run(experiment: str, tmp_path: Path) -> None:
    import mlflow

    with mlflow.start_run() as run:
        mlflow.log_text("größe", "notes/a note.txt")
        mlflow.log_dict({"threshold": 0.5}, "settings.json")

    client = mlflow.MlflowClient()
    listed = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"notes", "settings.json"} <= listed
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a note.txt") == "größe"
    assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/settings.json") == {
        "threshold": 0.5
    }


def test_a_trace(experiment: str) -> None:
    import mlflow

    @mlflow.trace
    def answer(question: str) -> str:
        return question.upper()

    answer("why?")
    mlflow.flush_trace_async_logging()

    found = mlflow.get_experiment_by_name(experiment)
    assert found
    (trace,) = mlflow.search_traces(locations=[found.experiment_id], return_type="list")
    assert trace.data.spans[0].outputs == "WHY?"


def test_log_names_caller_and_request(task: Task) -> None:
    import http.client
    import json

    connection = http.client.HTTPConnection("127.0.0.1", task.port)
    arn = "arn:aws:sts::123456789012:assumed-role/reader/somebody"
    headers = {"X-Caller-Arn": arn, "X-Request-Id": "JKJaXmPLvHcESHA="}
    connection.request("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", headers=headers)
    response = connection.getresponse()
    assert json.loads(response.read())["experiment"]["name"] == "Default"

    assert response.headers["X-Request-Id"] == "JKJaXmPLvHcESHA="
    request = task.logged("request_id", "JKJaXmPLvHcESHA=")
    assert request["caller"] == arn
    assert request["status"] == 200
    assert float(request["upstream_seconds"]) > 0
