"""`npm run promote` as a process, with a registry that is real."""

import http.client
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from local.aws import BUCKET
from local.certificates import write_certificates
from local.processes import HOST
from local.stack import Stack
from local.task import Task

ROOT = Path(__file__).resolve().parents[2]
FILE = "Pulumi.dev.yaml"
# Named for every run, as other tests of the session leave another one set.
EXPERIMENT = "0"

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files of the project that a promotion reads and writes."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Pulumi.yaml", FILE):
        shutil.copy(ROOT / name, folder)
    return folder


def promote(
    project: Path, url: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = ["node", "--require", ROOT / "offline/register.js", ROOT / "scripts/promote.ts"]
    return subprocess.run(
        [*command, *arguments, "--stack", "dev", "--tracking-uri", url],
        cwd=project,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(project: Path, url: str, *arguments: str, **environment: str) -> str:
    """The line that a promotion ends in, having written nothing."""
    before = (project / FILE).read_text()
    result = promote(project, url, *arguments, **environment)
    assert (result.returncode, result.stdout) == (1, ""), result.stdout
    assert (project / FILE).read_text() == before
    (line,) = result.stderr.splitlines()
    return line


def models(project: Path) -> dict[str, Any]:
    return yaml.safe_load((project / FILE).read_text())["config"]["mlops:models"]


def fit() -> Any:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    data = load_diabetes(as_frame=True)
    return Ridge(alpha=0.1).fit(data.data, data.target)


def log(name: str, **options: Any) -> tuple[str, Any]:
    """The run, and what the SDK says of the model that it logged and registered."""
    import mlflow

    with mlflow.start_run(experiment_id=EXPERIMENT) as run:
        info = mlflow.sklearn.log_model(fit(), name="model", registered_model_name=name, **options)
    return run.info.run_id, info


def test_writes_what_the_alias_names(project: Path, task: Task) -> None:
    import mlflow

    before = (project / FILE).read_text()
    run_id, info = log("diabetes")
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("diabetes", "champion", "1")

    dry = promote(project, task.url, "diabetes@champion", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert (project / FILE).read_text() == before

    first = promote(project, task.url, "diabetes@champion")
    assert first.returncode == 0, first.stderr
    location = f"mlflow-artifacts:/{EXPERIMENT}/models/{info.model_id}/artifacts"
    entry = f"""\
    diabetes:
      # diabetes@champion, version 1, run {run_id}
      version: "1"
      artifactLocation: {location}
      serving: serverless
"""
    assert (project / FILE).read_text().replace(entry, "", 1) == before
    assert "".join(f"+{line}\n" for line in entry.splitlines()) in first.stdout
    assert models(project)["diabetes"]["artifactLocation"] == location

    again = promote(project, task.url, "diabetes@champion")
    assert (again.returncode, again.stdout.startswith("Nothing to do: ")) == (0, True)

    # Moved to a version that was made with another scikit-learn.
    second_run, second_info = log("diabetes", pip_requirements=["scikit-learn==1.6.1"])
    client.set_registered_model_alias("diabetes", "champion", "2")
    second = promote(project, task.url, "diabetes@champion")
    assert second.returncode == 0, second.stderr
    assert "warning: the model was made with scikit-learn 1.6.1, the model server" in second.stderr
    assert (project / FILE).read_text().replace(
        entry.replace(run_id, second_run)
        .replace("version 1", "version 2")
        .replace('"1"', '"2"')
        .replace(info.model_id, second_info.model_id),
        "",
        1,
    ) == before


def test_finds_the_artifacts_however_the_model_was_registered(project: Path, task: Task) -> None:
    import mlflow

    run_id, info = log("logged", pip_requirements=["scikit-learn"])
    mlflow.sklearn.save_model(fit(), project / "model", pip_requirements=["scikit-learn"])
    with mlflow.start_run(experiment_id=EXPERIMENT) as old_run:
        mlflow.log_artifacts(str(project / "model"), "old")
    client = mlflow.MlflowClient()
    beside = f"mlflow-artifacts:/{EXPERIMENT}/models/{info.model_id}/artifacts"
    within = f"mlflow-artifacts:/{EXPERIMENT}/{old_run.info.run_id}/artifacts/old"
    expected = {
        "logged": beside,
        "by-the-sdk": beside,
        "by-model": beside,
        "copied": beside,
        "by-rest": beside,
        "old-by-the-sdk": within,
        "old-by-rest": within,
    }
    mlflow.register_model(f"runs:/{run_id}/model", "by-the-sdk")
    mlflow.register_model(info.model_uri, "by-model")
    client.copy_model_version("models:/logged/1", "copied")
    mlflow.register_model(f"runs:/{old_run.info.run_id}/old", "old-by-the-sdk")
    # As it is: register_model would resolve the URI.
    for name, run, path in (
        ("by-rest", run_id, "model"),
        ("old-by-rest", old_run.info.run_id, "old"),
    ):
        client.create_registered_model(name)
        client.create_model_version(name, f"runs:/{run}/{path}", run)
    for name in expected:
        client.set_registered_model_alias(name, "champion", "1")

        result = promote(project, task.url, f"{name}@champion")
        assert result.returncode == 0, result.stderr

    assert {name: models(project)[name]["artifactLocation"] for name in expected} == expected


def test_refuses_what_is_not_there(project: Path, stack: Stack, task: Task) -> None:
    import mlflow

    log("wine", pip_requirements=["scikit-learn"])
    _, info = log("wine", pip_requirements=["scikit-learn"])
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("wine", "champion", "2")

    assert refusal(project, task.url, "Vine@champion") == (
        f'promote: {task.url} has no model "Vine": did you mean wine?'
    )
    assert refusal(project, task.url, "wine@challenger").startswith(
        'promote: "wine" has no alias "challenger", only champion: choose one, or '
    )
    s3 = stack.aws.client("s3")
    folder = f"mlflow/{EXPERIMENT}/models/{info.model_id}/artifacts"
    for name in ("model.skops", "MLmodel"):
        s3.delete_object(Bucket=BUCKET, Key=f"{folder}/{name}")
        assert refusal(project, task.url, "wine@champion").startswith(
            f'promote: version 2 of "wine" has no {name} at '
            f"mlflow-artifacts:/{EXPERIMENT}/models/{info.model_id}/artifacts: "
            "its artifacts were deleted"
        )


def test_refuses_a_prompt_and_a_flavour_that_is_not_served(project: Path, task: Task) -> None:
    import mlflow

    client = mlflow.MlflowClient()
    mlflow.genai.register_prompt("greeting", "Hello {{name}}")
    client.set_prompt_alias("greeting", "live", 1)
    assert "is stored at dummy-source" in refusal(project, task.url, "greeting@live")

    class Own(mlflow.pyfunc.PythonModel):
        def predict(self, model_input: list[str]) -> list[str]:
            return model_input

    with mlflow.start_run(experiment_id=EXPERIMENT):
        mlflow.pyfunc.log_model(name="own", python_model=Own(), registered_model_name="own")
    client.set_registered_model_alias("own", "live", "1")
    assert refusal(project, task.url, "own@live").startswith(
        'promote: version 1 of "own" is loaded by mlflow.pyfunc.model, and the model server'
    )


@dataclass
class TlsFront:
    """In place of the HTTP API, before nginx: it notes the signatures."""

    task: Task
    folder: Path
    signatures: list[str] = field(default_factory=list)
    # What it answers in place of nginx.
    refusal: bytes = b""
    url: str = ""


@pytest.fixture
def front(task: Task, tmp_path: Path) -> Iterator[TlsFront]:
    write_certificates(tmp_path)
    front = TlsFront(task, tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            front.signatures.append(self.headers.get("Authorization", ""))
            if front.refusal:
                self.answer(403, front.refusal)
                return
            upstream = http.client.HTTPConnection(HOST, task.port, timeout=29)
            upstream.request("GET", self.path)
            response = upstream.getresponse()
            self.answer(response.status, response.read())
            upstream.close()

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    front.url = f"https://{HOST}:{server.server_port}"
    yield front
    server.shutdown()
    server.server_close()


def test_signs_for_an_api(project: Path, front: TlsFront) -> None:
    import mlflow

    log("signed", pip_requirements=["scikit-learn"])
    mlflow.MlflowClient().set_registered_model_alias("signed", "champion", "1")
    environment = {
        "NODE_EXTRA_CA_CERTS": str(front.folder / "ca.pem"),
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    keys = {"AWS_ACCESS_KEY_ID": "AKIAWRITER", "AWS_SECRET_ACCESS_KEY": "secret"}
    arguments = ["signed@champion", "--region", "eu-central-1"]

    result = promote(project, front.url, *arguments, **environment, **keys)
    assert result.returncode == 0, result.stderr
    assert front.signatures
    for signature in front.signatures:
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIAWRITER/")
        assert "/eu-central-1/execute-api/aws4_request" in signature

    assert "no AWS credentials: sign in (aws sso login)" in refusal(
        project, front.url, *arguments, **environment
    )
    front.refusal = b'{"message":"Forbidden"}'
    assert "needs the policy of the output readerPolicy or writerPolicy (pulumi stack" in refusal(
        project, front.url, *arguments, **environment, **keys
    )
