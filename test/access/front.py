"""
In place of the HTTP API: it lets only signed requests of those with the right through, and tells
the target who calls, as `components/http-api.ts` sets it up.
"""

import http.client
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from iam import allows
from sigv4 import Caller, Refused, Request, verify

HOST = "127.0.0.1"
REGION = "eu-central-1"
EXECUTION_ARN = f"arn:aws:execute-api:{REGION}:123456789012:a1b2c3d4e5"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
MAX_PAYLOAD = 10 * 1024 * 1024
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


@dataclass(frozen=True)
class Call:
    """One line of the access log."""

    caller: str
    method: str
    path: str
    status: int
    error: str = ""
    agent: str = ""
    payload: int = 0

    @property
    def resource(self) -> str:
        return f"{EXECUTION_ARN}/$default/{self.method}{self.path}"


class Front:
    """
    Use it in a `with` statement. `documents` has an IAM policy document for each ARN that is
    limited by one. Without a target, it answers with the caller's ARN.
    """

    def __init__(
        self,
        callers: Mapping[str, Caller],
        target_port: int | None = None,
        documents: Mapping[str, str] | None = None,
        tamper: Callable[[Request], Request] | None = None,
        version: str = "",
    ) -> None:
        self.callers = dict(callers)
        self.documents = dict(documents or {})
        self.target_port = target_port
        # Changes a request on its way, as somebody between the two could.
        self.tamper = tamper
        # What /version answers without a target.
        self.version = version
        self.calls: list[Call] = []
        self.refusals: list[str] = []
        self.seen: list[Request] = []
        self.ids = itertools.count(1)
        front = self

        class Handler(_Handler):
            pass

        Handler.front = front
        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    front: Front
    protocol_version = "HTTP/1.1"
    # Else the last part of every answer waits for the client's acknowledgement.
    disable_nagle_algorithm = True
    timeout = 60

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def __getattr__(self, name: str) -> object:
        # do_GET, do_POST, …
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            self._finish("", 413, "Request Entity Too Large")
            self.close_connection = True
            return
        # http.server has already changed a path that starts with two slashes.
        target = self.raw_requestline.decode("latin-1").split(" ")[1]
        request = Request(self.command, target, tuple(self.headers.items()), body)
        if self.front.tamper:
            request = self.front.tamper(request)
        try:
            caller = verify(request, self.front.callers, REGION)
        except Refused as refused:
            self.front.refusals.append(refused.reason)
            self._finish("", 403, refused.message, refused.reason)
            return
        call = Call(caller.arn, request.method, request.target.partition("?")[0], 0)
        document = self.front.documents.get(caller.arn)
        if document is not None and not allows(document, "execute-api:Invoke", call.resource):
            self._finish(caller.arn, 403, "Forbidden", f"no right for {call.resource}")
            return
        self.front.seen.append(request)
        if self.front.target_port is None and self.path == "/version":
            self._answer(200, self.front.version.encode(), "text/plain")
        elif self.front.target_port is None:
            self._finish(caller.arn, 200, caller.arn)
        else:
            self._pass_on(caller, request)

    def _read_body(self) -> bytes | None:
        """None where it is too large."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            length = int(self.headers.get("Content-Length", 0))
            return self.rfile.read(length) if length <= MAX_PAYLOAD else None
        body = b""
        while len(body) <= MAX_PAYLOAD:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body
        return None

    def _finish(self, arn: str, status: int, message: str, error: str = "") -> None:
        self._log(arn, status, error)
        self._answer(status, json.dumps({"message": message}).encode(), "application/json")

    def _answer(self, status: int, content: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _log(self, arn: str, status: int, error: str = "", payload: int = 0) -> None:
        path = self.path.partition("?")[0]
        agent = self.headers.get("User-Agent", "")
        self.front.calls.append(Call(arn, self.command, path, status, error, agent, payload))

    def _pass_on(self, caller: Caller, request: Request) -> None:
        upstream = http.client.HTTPConnection(HOST, self.front.target_port, timeout=29)
        upstream.putrequest(
            request.method, request.target, skip_host=True, skip_accept_encoding=True
        )
        overwritten = {
            "x-caller-arn": caller.arn,
            "x-request-id": f"request-{next(self.front.ids)}=",
            "content-length": str(len(request.body)),
        }
        for name, value in request.headers:
            if name.lower() not in _HOP_BY_HOP | overwritten.keys():
                upstream.putheader(name, value)
        for name, value in overwritten.items():
            upstream.putheader(name, value)
        try:
            upstream.endheaders(request.body)
            answer = upstream.getresponse()
        except OSError as error:
            self._finish(caller.arn, 503, "Service Unavailable", str(error))
            return
        # API Gateway does not stream: it has the whole answer, and no more than so much.
        content = answer.read(MAX_PAYLOAD + 1)
        upstream.close()
        if len(content) > MAX_PAYLOAD:
            self._finish(caller.arn, 500, "Internal Server Error", "the answer is too large")
            return
        self._log(caller.arn, answer.status, payload=len(request.body) + len(content))
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
