"""Chromium, the ui proxy, the front, nginx, MLflow."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from conftest import ROOT, WRITER
from front import Front
from iam import allows
from local.processes import HOST, SYSTEM_PATH
from ui import run_ui

RUN_NAME = "first try"
MODEL = "house prices"


@pytest.fixture(scope="module")
def ui(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    folder = tmp_path_factory.mktemp("ui")
    with run_ui(front.url, WRITER, folder) as port:
        yield f"http://{HOST}:{port}"


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("client")
def test_pages_charts_artifacts_and_a_rename(
    ui: str, front: Front, documents: dict[str, str], tmp_path: Path
) -> None:
    import mlflow

    experiment = mlflow.set_experiment("house prices ✓")
    with mlflow.start_run(run_name=RUN_NAME) as run:
        mlflow.log_params({"depth": 4, "rate": 0.1})
        for step in range(50):
            mlflow.log_metrics({"loss": 1 / (step + 1), "accuracy": 1 - 0.7**step}, step)
        mlflow.log_text("the text of an artifact", "notes.txt")
    mlflow.MlflowClient().create_registered_model(MODEL)
    refusals = len(front.refusals)

    screenshot = Path(os.environ.get("SCREENSHOT", tmp_path / "page.png"))
    result = subprocess.run(
        ["node", "test/access/browser.js", ui, str(screenshot), run.info.run_id]
        + [experiment.experiment_id, RUN_NAME, MODEL],
        cwd=ROOT,
        env={"PATH": SYSTEM_PATH, "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=380,
    )

    assert result.returncode == 0, result.stderr
    assert screenshot.stat().st_size > 10_000
    assert mlflow.get_run(run.info.run_id).info.run_name == f"{RUN_NAME}, renamed"
    browsers = [call for call in front.calls if re.search("Chrome", call.agent)]
    assert len(browsers) > 20
    assert {"GET", "POST"} <= {call.method for call in browsers}
    assert front.refusals[refusals:] == []
    # All that the pages have asked for by themselves is reading, and readers may do it.
    denied = [
        call.path
        for call in browsers
        if not allows(documents["reader"], "execute-api:Invoke", call.resource)
    ]
    assert denied == ["/ajax-api/2.0/mlflow/runs/update"]


@pytest.mark.usefixtures("client")
def test_a_large_artifact_comes_past_the_api(ui: str, front: Front, tmp_path: Path) -> None:
    import mlflow

    # Above what the API could answer with.
    content = b"0123456789abcdef" * 1024 * 1024
    name = "größe 1.bin"
    (tmp_path / name).write_bytes(content)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / name), "some folder")
    before = len(front.calls)
    query = {"path": f"some folder/{name}", "run_uuid": run.info.run_id}

    answer = requests.get(f"{ui}/get-artifact", params=query)

    assert (answer.status_code, answer.content == content) == (200, True)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert sum(call.payload for call in front.calls[before:]) < 100_000
