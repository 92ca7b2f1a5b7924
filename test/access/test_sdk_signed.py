"""The flow of test/services, signed: SDK, signer, front, nginx, MLflow."""

import re

import pytest
import requests
from callers import as_caller
from conftest import ARNS, READER
from front import Call, Front
from iam import allows
from local.task import Task

# The same tests, with this folder's `client`.
from test_artifacts import test_comes_back_as_it_was as test_comes_back_as_it_was
from test_sdk import experiment as experiment
from test_sdk import test_a_model_from_training_to_its_alias as test_a_model_from_training
from test_sdk import test_a_trace as test_a_trace
from test_sdk import (
    test_logs_parameters_tags_and_ten_thousand_metrics as test_logs_parameters_tags_and_metrics,
)
from test_sdk import test_small_things_beside_the_run as test_small_things_beside_the_run

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture(scope="module", autouse=True)
def others(front: Front) -> int:
    """How many calls other tests have made, by the same front."""
    return len(front.calls)


@pytest.fixture
def flow(front: Front, others: int) -> list[Call]:
    """The calls of the tests above."""
    return front.calls[others:]


def test_every_call_was_signed_and_let_through(front: Front, flow: list[Call]) -> None:
    assert front.refusals == []
    assert {call.caller for call in flow} == {ARNS["writer"]}
    assert {call.status for call in flow} <= {200, 404}
    # The API and nginx saw the calls, and the bytes of the artifacts went another way.
    assert len(flow) > 50
    assert max(call.payload for call in flow) < 1_000_000


def test_nginx_logged_who_called(front: Front, task: Task) -> None:
    named = [one for one in task.requests() if one["caller"] == ARNS["writer"]]
    assert len(named) == len(front.calls)
    assert all(one["request_id"].startswith("request-") for one in named)


# What a reader may not call, of all that the flow above has called.
WRITING = {
    "POST /api/2.0/mlflow-artifacts/mpu/complete/…",
    "POST /api/2.0/mlflow-artifacts/mpu/create/…",
    "PUT /api/2.0/mlflow-artifacts/artifacts/…",
    "POST /api/2.0/mlflow/experiments/create",
    "POST /api/2.0/mlflow/logged-models",
    "PATCH /api/2.0/mlflow/logged-models/…",
    "POST /api/2.0/mlflow/model-versions/create",
    "POST /api/2.0/mlflow/model-versions/set-tag",
    "POST /api/2.0/mlflow/registered-models/alias",
    "POST /api/2.0/mlflow/registered-models/create",
    "POST /api/2.0/mlflow/runs/create",
    "POST /api/2.0/mlflow/runs/log-batch",
    "POST /api/2.0/mlflow/runs/outputs",
    "POST /api/2.0/mlflow/runs/set-tag",
    "POST /api/2.0/mlflow/runs/update",
    "POST /api/3.0/mlflow/traces",
    "POST /v1/traces",
}


def _shape(path: str) -> str:
    """Without the names of artifacts and logged models."""
    path = re.sub(r"(/mlflow-artifacts/(?:artifacts|presigned|mpu/\w+))/.*", r"\1/…", path)
    return re.sub(r"(/logged-models)/m-.*", r"\1/…", path)


def test_replay_of_the_log_against_both_documents(
    flow: list[Call], documents: dict[str, str]
) -> None:
    def allowed(document: str) -> dict[str, bool]:
        return {
            f"{call.method} {_shape(call.path)}": allows(
                documents[document], "execute-api:Invoke", call.resource
            )
            for call in flow
        }

    writer, reader = allowed("writer"), allowed("reader")
    print("\n".join(f"{'r' if reader[call] else '-'}w {call}" for call in sorted(reader)))
    assert all(writer.values())
    assert {call for call, right in reader.items() if not right} == WRITING


class TestAReader:
    @pytest.fixture(autouse=True)
    def reader(self, client: None, monkeypatch: pytest.MonkeyPatch) -> None:
        as_caller(monkeypatch, *READER)

    def test_reads_everything(self, front: Front) -> None:
        import mlflow

        before = len(front.calls)
        client = mlflow.MlflowClient()
        experiments = client.search_experiments()
        assert len(experiments) > 4
        runs = mlflow.search_runs([one.experiment_id for one in experiments], output_format="list")
        (with_metrics,) = [run for run in runs if "parameter 99" in run.data.params]
        assert len(client.get_metric_history(with_metrics.info.run_id, "loss")) == 10_000
        listed = [(run, item) for run in runs for item in client.list_artifacts(run.info.run_id)]
        (run, _) = next(pair for pair in listed if pair[1].path == "settings.json")
        assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/settings.json")
        (model,) = client.search_registered_models("name LIKE 'diabetes%'")
        assert client.get_latest_versions(model.name)
        assert mlflow.sklearn.load_model(f"models:/{model.name}@champion")
        assert mlflow.search_logged_models([one.experiment_id for one in experiments]) is not None
        traces = mlflow.search_traces(
            locations=[one.experiment_id for one in experiments], return_type="list"
        )
        assert [trace.data.spans[0].outputs for trace in traces] == ["WHY?"]
        calls = front.calls[before:]
        assert {call.caller for call in calls} == {ARNS["reader"]}
        assert {call.status for call in calls} == {200}

    def test_changes_nothing(self, front: Front) -> None:
        import mlflow

        client = mlflow.MlflowClient()
        (model,) = client.search_registered_models("name LIKE 'diabetes%'")
        (run, *_) = mlflow.search_runs(search_all_experiments=True, output_format="list")
        seen = len(front.seen)
        for change in [
            lambda: client.create_experiment("not allowed"),
            lambda: client.log_metric(run.info.run_id, "loss", 0),
            lambda: client.log_text(run.info.run_id, "x", "x.txt"),
            lambda: client.delete_run(run.info.run_id),
            lambda: client.rename_registered_model(model.name, "other"),
            lambda: client.delete_registered_model_alias(model.name, "champion"),
        ]:
            with pytest.raises((mlflow.MlflowException, requests.HTTPError), match="403|Forbidden"):
                change()
        passed = [request.method for request in front.seen[seen:]]
        assert set(passed) <= {"GET"}
