"""The model server as a process, from the code and the packages of its image."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.processes import HOST, SYSTEM_PATH, Service, free_port, get_status, wait_until
from local.task import image_environment

BIN = Path(__file__).resolve().parents[2] / ".venv" / "models" / "bin"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Invoked:
    """Something that listens for SageMaker's requests."""

    def __init__(
        self, command: list[str | Path], environment: Mapping[str, str], log: Path
    ) -> None:
        self.port = free_port()
        self.log = log
        self.service = Service(
            command, {**environment, "SAGEMAKER_BIND_TO_PORT": str(self.port)}, log
        )

    def ping(self) -> int:
        """0 when nobody listens."""
        return get_status(self.port, "/ping")

    def wait_for(self, status: int) -> None:
        """Until /ping answers so."""

        def answered_or_gone() -> bool:
            assert self.service.running(), self.log.read_text()
            return self.ping() == status

        wait_until(answered_or_gone, f"{status} from /ping", 120)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=60)

    def invoke(
        self,
        body: object,
        headers: Mapping[str, str] = JSON,
        connection: http.client.HTTPConnection | None = None,
    ) -> Reply:
        """Sends text and bytes as they are, all else as JSON."""
        if not isinstance(body, str | bytes):
            body = json.dumps(body)
        connection = connection or self.connect()
        connection.request("POST", "/invocations", body, dict(headers))
        response = connection.getresponse()
        return Reply(response.status, response.read().decode())

    def wait_for_end(self) -> int:
        return self.service.process.wait(60)


class ModelServer(Invoked):
    def __init__(
        self, folder: Path, settings: Mapping[str, str], arguments: tuple[str, ...] = ("serve",)
    ) -> None:
        environment = {
            **image_environment("model-server"),
            "PATH": SYSTEM_PATH,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            **settings,
        }
        command = [BIN / "mlops-model-server", *arguments]
        super().__init__(command, environment, folder / "model-server.log")

    def records(self) -> list[dict[str, Any]]:
        """The log, when every line is of it."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def complaints(self) -> list[str]:
        """The lines beside the log."""
        return [line for line in self.log.read_text().splitlines() if not line.startswith("{")]
