"""Writes mlflow-paths.json: the calls of MLflow's REST API, as the installed MLflow defines them.

sh scripts/local/run.sh functions/predict/mlflow_paths.py
"""

import json
import re
from pathlib import Path

import mlflow
from mlflow.protos import databricks_pb2
from mlflow.protos.mlflow_artifacts_pb2 import MlflowArtifactsService
from mlflow.protos.model_registry_pb2 import ModelRegistryService
from mlflow.protos.service_pb2 import MlflowService
from mlflow.protos.webhooks_pb2 import WebhookService
from mlflow.server import handlers

SERVICES = [MlflowService, ModelRegistryService, MlflowArtifactsService, WebhookService]

# Routes outside the service definitions: mlflow/server/__init__.py and otel_api.py.
OTHERS = {
    "GET /": "Pages of MLflow",
    "GET /get-artifact": "Artifact of a run, for the pages",
    "GET /graphql": "Query, for the pages",
    "POST /graphql": "Query, for the pages",
    "GET /health": "Whether the server runs",
    "GET /version": "Release of MLflow",
    "POST /v1/traces": "Spans by the OpenTelemetry protocol",
}


def calls() -> dict[str, str]:
    found = {}
    for service in SERVICES:
        for method in service.DESCRIPTOR.methods:
            request = service().GetRequestClass(method)
            # Some definitions are for Databricks only.
            if handlers.get_handler(request) is handlers._not_implemented:
                continue
            options = method.GetOptions().Extensions[databricks_pb2.rpc]
            summary = options.rpc_doc_title or words(method.name)
            for endpoint in options.endpoints:
                path = plain(f"/api/{endpoint.since.major}.0{endpoint.path}")
                found[f"{endpoint.method} {path}"] = summary
    return found


def plain(path: str) -> str:
    """Flask's <path:name> and the {object.name} of gRPC as {name}."""
    return re.sub(r"[<{](?:\w+[:.])?(\w+)[>}]", r"{\1}", path)


def words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name[:1].upper() + name[1:])


if __name__ == "__main__":
    by_path = sorted((calls() | OTHERS).items(), key=lambda call: call[0].split()[::-1])
    content = {"mlflow": mlflow.__version__, "calls": dict(by_path)}
    file = Path(__file__).with_name("mlflow-paths.json")
    file.write_text(json.dumps(content, indent=2) + "\n")
