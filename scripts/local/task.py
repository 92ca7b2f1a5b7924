"""One task: the migration, then MLflow, then nginx, from the files that the images are built of."""

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from local.aws import BUCKET, CREDENTIALS, REGION, Aws
from local.database import Database
from local.processes import HOST, SYSTEM_PATH, Service, free_port, get_status, wait_until

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "containers"
VENVS = ROOT / ".venv" / "services"


def image_environment(image: str) -> dict[str, str]:
    """What the Dockerfile of an image sets, so that the processes run with the same."""
    dockerfile = (IMAGES / image / "Dockerfile").read_text(encoding="utf-8")
    return dict(re.findall(r"^ENV (\w+)=(\S+)$", dockerfile, re.MULTILINE))


def image_stop_signal(image: str) -> signal.Signals:
    dockerfile = (IMAGES / image / "Dockerfile").read_text(encoding="utf-8")
    (name,) = re.findall(r"^STOPSIGNAL (\w+)$", dockerfile, re.MULTILINE)
    return signal.Signals[name]


class Task:
    """The three containers that share a network address, without their isolation."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        aws: Aws,
        secret_arn: str,
        *,
        database_name: str = "mlflow",
        workers: int = 2,
        release: str = "server",
        port: int | None = None,
        mlflow_settings: dict[str, str] | None = None,
        nginx_settings: dict[str, str] | None = None,
    ) -> None:
        """`release` is the virtual environment: "server" as in the image, or "older"."""
        self.folder = folder
        self.port = port or free_port()
        self.mlflow_port = free_port()
        self.access_log = folder / "nginx.log"
        self.mlflow_log = folder / "mlflow.log"
        self.migrate_log = folder / "migrate.log"
        self.mlflow: Service | None = None
        self.nginx: Service | None = None
        self._bin = VENVS / release / "bin"
        (folder / "tmp").mkdir(parents=True)
        # nginx, where root starts it, runs its workers as another user.
        (folder / "nginx").mkdir(mode=0o777)
        # As components/tracking-task.ts sets them, then what only this machine needs.
        self.mlflow_environment = {
            **image_environment("mlflow"),
            "AWS_REGION": REGION,
            "DATABASE_HOST": HOST,
            "DATABASE_PORT": str(database.port),
            "DATABASE_NAME": database_name,
            "DATABASE_SECRET_ARN": secret_arn,
            "MLFLOW_ARTIFACTS_DESTINATION": f"s3://{BUCKET}/{database_name}",
            "MLFLOW_WORKERS": str(workers),
            **CREDENTIALS,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.secrets_url,
            "MLFLOW_S3_ENDPOINT_URL": aws.s3_url,
            "DATABASE_CA_FILE": str(database.ca_file),
            "MLFLOW_PORT": str(self.mlflow_port),
            "PATH": f"{self._bin}:{SYSTEM_PATH}",
            "HOME": str(folder / "tmp"),
            "TMPDIR": str(folder / "tmp"),
            **(mlflow_settings or {}),
        }
        self.nginx_environment = {
            **image_environment("nginx"),
            "ALLOWED_HOSTS": "*.execute-api.us-east-1.amazonaws.com localhost",
            "LISTEN": f"{HOST}:{self.port}",
            "UPSTREAM": f"{HOST}:{self.mlflow_port}",
            "TEMPLATE": str(IMAGES / "nginx" / "nginx.conf.template"),
            "RUN_DIR": str(folder / "nginx"),
            **(nginx_settings or {}),
        }

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """In the task's order. Raises where a step fails."""
        result = self.migrate()
        if result.returncode:
            raise RuntimeError(f"migrate ended with {result.returncode}: {result.stderr}")
        self.start_mlflow()
        self.wait_healthy()
        self.start_nginx()

    def migrate(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._bin / "mlops-mlflow", "migrate"],
            env=self.mlflow_environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def start_migrate(self) -> Service:
        return Service(
            [self._bin / "mlops-mlflow", "migrate"], self.mlflow_environment, self.migrate_log
        )

    def start_mlflow(self) -> None:
        self.mlflow = Service(
            [self._bin / "mlops-mlflow", "server"], self.mlflow_environment, self.mlflow_log
        )

    def wait_healthy(self) -> None:
        def healthy_or_gone() -> bool:
            assert self.mlflow
            if not self.mlflow.running():
                raise RuntimeError(f"MLflow ended at its start: {self.mlflow_log.read_text()}")
            return get_status(self.mlflow_port, "/health") == 200

        wait_until(healthy_or_gone, "the start of MLflow", 180)

    def start_nginx(self) -> None:
        self.nginx = Service(
            ["sh", IMAGES / "nginx" / "entrypoint.sh"],
            self.nginx_environment,
            self.access_log,
            stop_signal=image_stop_signal("nginx"),
        )
        wait_until(lambda: get_status(self.port, "/health") == 200, "the start of nginx")

    def healthy(self) -> bool:
        return get_status(self.port, "/health") == 200

    def stop(self) -> None:
        """In the order that ECS takes: those who depend on others first."""
        if self.nginx:
            self.nginx.stop()
        if self.mlflow:
            self.mlflow.stop()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def requests(self) -> list[dict[str, Any]]:
        """What nginx logged, without its error lines."""
        lines = self.access_log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def logged(self, field: str, value: str) -> dict[str, Any]:
        """The one request with this value; nginx logs a request only after it has answered it."""
        wait_until(
            lambda: any(request[field] == value for request in self.requests()),
            f"a request with {field} {value} in the log",
        )
        (request,) = [request for request in self.requests() if request[field] == value]
        return request
