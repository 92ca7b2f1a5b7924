"""From `mlflow.log_model` to an answer of POST /predict: every piece for real but AWS itself."""

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas
import pytest
from local.aws import BUCKET, CREDENTIALS, REGION
from local.processes import HOST
from local.stack import Stack
from local.task import Task
from model_server import ModelServer

ROOT = Path(__file__).resolve().parents[2]
NODE = ["node", "--require", "./offline/register.js"]
PROGRAM = ["Pulumi.yaml", "Pulumi.dev.yaml", "package.json", "index.ts"]
FOLDERS = ["components", "containers", "functions", "offline", "policy", "scripts"]
# Runs the very code that Lambda gets, once.
CALL = """
const { writeFileSync } = require("node:fs");
const { bundle } = require("./functions/predict/bundle");
writeFileSync("function.js", bundle());
const { handler } = require(process.cwd() + "/function.js");
const context = { getRemainingTimeInMillis: () => 29000 };
handler(JSON.parse(process.argv[1]), context).then((answer) =>
  writeFileSync("answer.json", JSON.stringify(answer)),
);
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The program, in a folder where a promotion may write."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in PROGRAM:
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


@pytest.fixture
def registered(task: Task, monkeypatch: pytest.MonkeyPatch, diabetes: tuple[Any, Any]) -> None:
    """A version in the registry that `champion` names, logged as the README tells."""
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(task.url)
    model, data = diabetes
    with mlflow.start_run(experiment_id="0"):
        version = mlflow.sklearn.log_model(
            model, name="model", input_example=data[:2], registered_model_name="diabetes"
        ).registered_model_version
    mlflow.MlflowClient().set_registered_model_alias("diabetes", "champion", str(version))
    mlflow.set_tracking_uri(before)


def run(project: Path, *command: str, **environment: str) -> str:
    result = subprocess.run(
        command,
        cwd=project,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def registered_inputs(project: Path, name: str) -> dict[str, Any]:
    """The inputs of a resource in an offline preview of dev."""
    run(project, *NODE, "offline/preview.ts", "dev", "--json", "preview.json")
    resources = json.loads((project / "preview.json").read_text())["resources"]
    (inputs,) = (found["inputs"] for found in resources if found["name"] == name)
    return inputs


@pytest.fixture
def runtime() -> Iterator[Callable[[ModelServer, str], str]]:
    """Starts what stands for SageMaker's runtime in front of one endpoint."""
    servers: list[ThreadingHTTPServer] = []

    def start(model_server: ModelServer, endpoint: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == f"/endpoints/{endpoint}/invocations", self.path
                body = self.rfile.read(int(self.headers["content-length"]))
                reply = model_server.invoke(body, {"Content-Type": self.headers["content-type"]})
                if reply.status == 200:
                    self.answer(200, reply.text)
                    return
                # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
                fault = {"OriginalStatusCode": reply.status, "OriginalMessage": reply.text}
                self.answer(424, json.dumps(fault))

            def answer(self, status: int, body: str) -> None:
                self.send_response(status)
                if status != 200:
                    self.send_header("x-amzn-errortype", "ModelError")
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer((HOST, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://{HOST}:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.usefixtures("registered")
def test_a_logged_model_answers(
    project: Path,
    stack: Stack,
    task: Task,
    start: Callable[..., ModelServer],
    runtime: Callable[[ModelServer, str], str],
    diabetes: tuple[Any, pandas.DataFrame],
) -> None:
    promote = ["scripts/promote.ts", "diabetes@champion", "--stack", "dev"]
    run(project, *NODE, *promote, "--tracking-uri", task.url)

    model = registered_inputs(project, "dev-model-diabetes-model")
    function = registered_inputs(project, "dev-predict-function")
    models = json.loads(function["environment"]["variables"]["MODELS"])
    assert models["diabetes"] == {
        "endpoint": "dev-model-diabetes-serverless",
        "serving": "serverless",
        "version": "1",
    }

    # The bucket's name is known to AWS only; what follows it is not.
    assert model["primaryContainer"]["environment"]["MODEL_S3_URI"]
    stack_file = (project / "Pulumi.dev.yaml").read_text()
    (location,) = (
        line.split("mlflow-artifacts:/", 1)[1]
        for line in stack_file.splitlines()
        if "artifactLocation:" in line
    )
    server = start(
        # Here a bucket serves many databases, each with a folder of its own.
        MODEL_S3_URI=f"s3://{BUCKET}/mlflow/{location}/",
        AWS_ENDPOINT_URL_S3=stack.aws.s3_url,
        AWS_REGION=REGION,
        **CREDENTIALS,
    )
    server.wait_for(200)

    environment = {
        "MODELS": function["environment"]["variables"]["MODELS"],
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": runtime(server, "dev-model-diabetes-serverless"),
        "AWS_REGION": REGION,
        **CREDENTIALS,
    }
    rows = diabetes[1].head(3)

    def predict(body: object) -> tuple[int, Any]:
        event = {
            "version": "2.0",
            "routeKey": "POST /predict/{model}",
            "headers": {"content-type": "application/json"},
            "pathParameters": {"model": "diabetes"},
            "requestContext": {
                "requestId": "request-1",
                "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:user/ana"}},
            },
            "body": json.dumps(body),
            "isBase64Encoded": False,
        }
        run(project, *NODE, "--eval", CALL, json.dumps(event), **environment)
        answer = json.loads((project / "answer.json").read_text())
        return answer["statusCode"], json.loads(base64.b64decode(answer["body"]))

    status, body = predict({"dataframe_split": rows.to_dict(orient="split", index=False)})
    assert status == 200, (body, server.log.read_text())
    assert body["predictions"] == pytest.approx(diabetes[0].predict(rows).tolist())

    status, body = predict({"dataframe_records": [{"age": 1.0}]})
    assert (status, body["error"]["code"]) == (400, "MODEL_REFUSED")
    assert "missing inputs" in body["error"]["message"]
