import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mlops_mlflow import health
from mlops_mlflow.errors import Failure


@contextmanager
def serve(status: int) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_healthy() -> None:
    with serve(200) as port:
        health.check(port)


def test_unhealthy() -> None:
    with serve(503) as port, pytest.raises(Failure, match="MLflow answers 503"):
        health.check(port)


def test_nobody_there() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Failure, match="does not answer"):
            health.check(closed.getsockname()[1])
