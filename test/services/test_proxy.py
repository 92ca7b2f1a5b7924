"""What nginx refuses, and what it adds."""

import gzip
import http.client
import json
import re
import socket
import time

import pytest
from local.processes import HOST, get_status
from local.stack import Stack
from local.task import Task

API = "/api/2.0/mlflow"
SEARCH = f"{API}/experiments/search"
API_HOST = "abc123.execute-api.us-east-1.amazonaws.com"


class Answer:
    def __init__(
        self,
        task: Task,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        connection = http.client.HTTPConnection(HOST, task.port, timeout=60)
        content_type = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body, {**content_type, **(headers or {})})
        response = connection.getresponse()
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        connection.close()

    @property
    def error_code(self) -> str:
        assert self.headers["Content-Type"].startswith("application/json"), self.body
        return json.loads(self.body)["error_code"]


@pytest.mark.parametrize("path", ["/", "/health", f"{API}/experiments/get?experiment_id=0"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "10.evil.com", "localhost.evil.com", "execute-api.us-east-1.amazonaws.com"],
)
def test_refuses_a_foreign_host(task: Task, host: str, path: str) -> None:
    answer = Answer(task, "GET", path, headers={"Host": host})

    assert (answer.status, answer.error_code) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", API_HOST, "10.0.3.17", "[::1]:80"])
def test_answers_to_its_own_hosts(task: Task, host: str) -> None:
    path = f"{API}/experiments/get?experiment_id=0"
    assert Answer(task, "GET", path, headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"https://{API_HOST}.evil.example", "null"]
)
@pytest.mark.parametrize("path", [SEARCH, SEARCH.replace("/api", "/ajax-api")])
def test_refuses_a_page_of_another_site(task: Task, path: str, origin: str) -> None:
    headers = {"Host": API_HOST, "Origin": origin}
    answer = Answer(task, "POST", path, b'{"max_results": 1}', headers)

    assert answer.status == 403
    assert b"experiment" not in answer.body


def test_answers_to_its_own_pages(task: Task) -> None:
    headers = {"Host": API_HOST, "Origin": f"https://{API_HOST}"}
    answer = Answer(task, "POST", SEARCH, b'{"max_results": 1}', headers)

    assert answer.status == 200


@pytest.mark.parametrize("name", ["X_Caller_Arn", "x-caller_arn", "X-Caller.Arn"])
def test_knows_one_spelling_of_the_callers_name(task: Task, name: str) -> None:
    """The one that the load balancer refuses where it comes by the private link."""
    path = f"/version?spelled={name}"
    assert Answer(task, "GET", path, headers={name: "arn:aws:iam::1:user/else"}).status == 200

    assert task.logged("uri", path)["caller"] == ""


def test_refuses_a_large_body(task: Task) -> None:
    answer = Answer(task, "POST", SEARCH, b" " * (10 * 1024 * 1024 + 1))

    assert (answer.status, answer.error_code) == (413, "INVALID_PARAMETER_VALUE")
    assert b"above 10m" in answer.body


def test_lets_a_body_of_the_limit_through(task: Task) -> None:
    body = b'{"max_results": 1' + b" " * (10 * 1024 * 1024 - 18) + b"}"
    assert Answer(task, "POST", SEARCH, body).status == 200


def test_closes_a_connection_whose_body_does_not_come(task: Task) -> None:
    started = time.monotonic()
    with send_half_a_body(task, "/never-ends") as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)

    assert time.monotonic() - started < 30
    assert task.logged("uri", "/never-ends")["status"] == 408


def send_half_a_body(task: Task, path: str) -> socket.socket:
    connection = socket.create_connection((HOST, task.port), timeout=60)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{"
    connection.sendall(head.encode())
    return connection


def test_slow_bodies_hold_no_worker(task: Task) -> None:
    slow = [send_half_a_body(task, SEARCH) for _ in range(100)]

    assert Answer(task, "POST", SEARCH, b'{"max_results": 1}').status == 200
    for connection in slow:
        connection.close()


@pytest.mark.parametrize("body", [b"{", b"[1, 2", b'{"max_results": "many"}', b"\xff\xfe"])
def test_refuses_bad_json(task: Task, body: bytes) -> None:
    answer = Answer(task, "POST", SEARCH, body)

    assert answer.status == 400
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "0/../../outside.txt",
        "%2e%2e/outside.txt",
        "0/%2e%2e/%2e%2e/outside.txt",
        "..%2foutside.txt",
        "%252e%252e%252foutside.txt",
        "..%5coutside.txt",
        "/outside.txt",
        "%2foutside.txt",
        "s3://artifacts/outside.txt",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_refuses_to_leave_the_folder_of_artifacts(
    stack: Stack, task: Task, method: str, path: str
) -> None:
    s3 = stack.aws.client("s3")
    s3.put_object(Bucket="artifacts", Key="outside.txt", Body=b"outside")
    body = b"overwritten" if method == "PUT" else None

    answer = Answer(task, method, f"/api/2.0/mlflow-artifacts/artifacts/{path}", body)

    assert b"outside" not in answer.body.replace(b"outside.txt", b"")
    assert b"root:" not in answer.body
    assert s3.get_object(Bucket="artifacts", Key="outside.txt")["Body"].read() == b"outside"


@pytest.mark.parametrize("path", ["../", "..", "0/../..", "%2e%2e", "/"])
def test_refuses_to_list_beside_the_folder_of_artifacts(
    stack: Stack, task: Task, path: str
) -> None:
    stack.aws.client("s3").put_object(Bucket="artifacts", Key="outside.txt", Body=b"outside")

    answer = Answer(task, "GET", f"/api/2.0/mlflow-artifacts/artifacts?path={path}")

    assert b"outside" not in answer.body


def test_serves_the_pages_compressed_and_cached(task: Task) -> None:
    page = Answer(task, "GET", "/")
    assert page.status == 200
    files = re.findall(
        r'(?:src|href)="(?:\./)?(static-files/[^"]+\.(?:js|css))"', page.body.decode()
    )
    assert files
    for file in files:
        answer = Answer(task, "GET", f"/{file}", headers={"Accept-Encoding": "gzip"})
        assert answer.status == 200
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers.get_all("Cache-Control") == ["max-age=31536000"]
        assert len(gzip.decompress(answer.body)) > len(answer.body)
    assert "max-age=31536000" not in (page.headers["Cache-Control"] or "")


def test_sets_each_security_header_once(task: Task) -> None:
    for path in ("/", "/health", f"{API}/experiments/get?experiment_id=0", "/no-such-page"):
        headers = Answer(task, "GET", path).headers
        assert headers.get_all("X-Content-Type-Options") == ["nosniff"], path
        assert headers.get_all("X-Frame-Options") == ["SAMEORIGIN"], path
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"], path
        assert headers["Server"] == "nginx", path


def test_logs_no_health_check(task: Task) -> None:
    before = len(task.requests())
    assert get_status(task.port, "/health") == 200
    Answer(task, "GET", "/version")
    time.sleep(0.2)

    assert [request["uri"] for request in task.requests()[before:]] == ["/version"]


def test_keeps_its_connections_to_mlflow(task: Task) -> None:
    """Each would cost a handshake, and one that MLflow closes first would cost a request."""
    import psutil

    for _ in range(30):
        Answer(task, "GET", "/version")
    kept = [
        connection
        for connection in psutil.net_connections("tcp")
        if connection.raddr
        and connection.raddr.port == task.mlflow_port
        and connection.status == psutil.CONN_ESTABLISHED
    ]
    assert 0 < len(kept) < 30
