"""Every signature is checked by a server that shares no code with the signer."""

import dataclasses
import datetime
import io
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests
from botocore.credentials import RefreshableCredentials
from botocore.session import Session
from callers import ACCESS_KEY, ARN, SECRET_KEY
from front import REGION, Front
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlops_sigv4 import SigV4Auth, SigV4AuthProvider, SigningError
from sigv4 import Caller, Request

# Whatever a URL may hold once it is encoded; surrogates can not be.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"])
PATHS = st.lists(TEXT, max_size=5).map(
    lambda parts: "/" + "/".join(quote(part, safe="") for part in parts)
)
QUERIES = st.lists(st.tuples(TEXT, TEXT), max_size=5)
BODIES = st.binary(max_size=2000)
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "X-MLflow-Workspace", "X-Other", "Range"]),
    st.text(string.ascii_letters + string.digits + " ;=/", max_size=20).map(str.strip),
)
many = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = SigV4Auth()
        yield session


@many
@given(METHODS, PATHS, QUERIES, HEADERS, BODIES)
def test_is_right_for_any_request(
    server: Front,
    session: requests.Session,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
) -> None:
    answer = session.request(method, server.url + path, params=query, headers=headers, data=body)
    assert (answer.status_code, answer.json()["message"]) == (200, ARN), server.refusals
    # What came is what was meant.
    assert server.seen[-1].body == body
    came = urlsplit("http://host" + server.seen[-1].target)
    assert parse_qsl(came.query, keep_blank_values=True) == query
    assert came.path.count("%2F") == path.count("%2F")


@many
@given(PATHS.filter(lambda path: "%" not in path), st.text(string.printable, max_size=20))
def test_is_right_for_urls_that_are_not_encoded(
    server: Front, session: requests.Session, path: str, query: str
) -> None:
    query = query.replace("#", "")
    answer = session.get(f"{server.url}{path}?{query}")
    assert answer.status_code == 200, server.refusals


def _flip(text: str, at: int) -> str:
    at %= len(text)
    other = "0" if text[at] != "0" else "1"
    return text[:at] + other + text[at + 1 :]


def _replace(request: Request, name: str, change: Callable[[str], str]) -> Request:
    headers = tuple(
        (key, change(value) if key.lower() == name else value) for key, value in request.headers
    )
    return dataclasses.replace(request, headers=headers)


def _flip_signature(request: Request, at: int) -> Request:
    def change(value: str) -> str:
        start, signature = value.rsplit("=", 1)
        return f"{start}={_flip(signature, at)}"

    return _replace(request, "authorization", change)


TAMPERINGS: dict[str, Callable[[Request, int], Request]] = {
    "signature": _flip_signature,
    "header": lambda request, at: _replace(request, "x-other", lambda value: _flip(value, at)),
    "content type": lambda request, _: _replace(request, "content-type", lambda _: "text/html"),
    "host": lambda request, _: _replace(request, "host", lambda value: "x" + value),
    "date": lambda request, _: _replace(
        request, "x-amz-date", lambda value: value[:-2] + ("1Z" if value[-2] != "1" else "2Z")
    ),
    "added token": lambda request, _: dataclasses.replace(
        request, headers=(*request.headers, ("X-Amz-Security-Token", "x"))
    ),
    "added X-Amz header": lambda request, _: dataclasses.replace(
        request, headers=(*request.headers, ("X-Amz-Other", "x"))
    ),
    "second header of a name": lambda request, _: dataclasses.replace(
        request, headers=(*request.headers, ("X-Other", "x"))
    ),
    "method": lambda request, _: dataclasses.replace(request, method="TRACE"),
    "path": lambda request, _: dataclasses.replace(request, target="/x" + request.target),
    "query, more": lambda request, _: dataclasses.replace(request, target=request.target + "&x=1"),
    "query, changed": lambda request, _: dataclasses.replace(
        request, target=request.target.replace("key=", "kez=", 1)
    ),
    "query, less": lambda request, _: dataclasses.replace(
        request, target=request.target.partition("?")[0]
    ),
    "body, changed": lambda request, at: dataclasses.replace(
        request,
        body=bytes(
            byte ^ 1 if index == at % len(request.body) else byte
            for index, byte in enumerate(request.body)
        ),
    ),
    "body, more": lambda request, _: dataclasses.replace(request, body=request.body + b"\0"),
    "body, less": lambda request, _: dataclasses.replace(request, body=request.body[:-1]),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
@settings(parent=many, max_examples=40)
@given(METHODS, PATHS, QUERIES, st.binary(min_size=1, max_size=200), st.integers(0, 10_000))
def test_is_refused_where_something_was_changed(
    kind: str,
    session: requests.Session,
    tampering_server: Front,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    body: bytes,
    at: int,
) -> None:
    tampering_server.tamper = lambda request: TAMPERINGS[kind](request, at)
    headers = {"Content-Type": "application/json", "X-Other": "some value"}
    answer = session.request(
        method,
        tampering_server.url + path,
        params=[*query, ("key", "value")],
        headers=headers,
        data=body,
    )
    assert answer.status_code == 403


@pytest.fixture(scope="module")
def tampering_server() -> Iterator[Front]:
    with Front({ACCESS_KEY: Caller(ARN, SECRET_KEY)}) as front:
        yield front


def test_spaces_and_repeated_keys_arrive_encoded(server: Front, session: requests.Session) -> None:
    url = f"{server.url}/a%20b/ü?name=my+exp&k=2&k=1&plus=%2B&empty"
    assert session.get(url).status_code == 200
    target = server.seen[-1].target
    assert target == "/a%20b/%C3%BC?name=my%20exp&k=2&k=1&plus=%2B&empty"


class TestBodies:
    def test_a_stream_is_sent_from_where_it_stands(
        self, server: Front, session: requests.Session, tmp_path: Path
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"0123456789" * 100_000)
        with path.open("rb") as file:
            file.seek(10)
            answer = session.put(server.url, data=file)
        assert answer.status_code == 200
        assert server.seen[-1].body == b"0123456789" * 99_999

    @pytest.mark.parametrize("content", [b"", b"x"])
    def test_an_empty_file_is_sent_with_its_length(
        self, server: Front, session: requests.Session, content: bytes
    ) -> None:
        assert session.put(server.url, data=io.BytesIO(content)).status_code == 200
        headers = {name.lower(): value for name, value in server.seen[-1].headers}
        assert headers["content-length"] == str(len(content))
        assert "transfer-encoding" not in headers

    def test_text_json_and_forms(self, server: Front, session: requests.Session) -> None:
        assert session.post(server.url, data="größe ✓").status_code == 200
        assert server.seen[-1].body == "größe ✓".encode()
        assert session.post(server.url, json={"größe": "✓"}).status_code == 200
        assert session.post(server.url, data={"a": ["1", "2"]}).status_code == 200
        assert session.post(server.url, files={"file": b"x"}).status_code == 200

    def test_what_can_be_read_once_is_refused(
        self, server: Front, session: requests.Session
    ) -> None:
        with pytest.raises(SigningError, match="generator can be read only once"):
            session.post(server.url, data=(part for part in [b"a", b"b"]))


class TestCredentials:
    def test_with_a_session_token(
        self, server: Front, session: requests.Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(server.callers, "ASIATEMP", Caller("arn:temp", "secret", "token=="))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIATEMP")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token==")
        assert session.get(server.url).json()["message"] == "arn:temp"

    def test_replaced_in_their_file_during_a_run(
        self,
        server: Front,
        session: requests.Session,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        file = tmp_path / "credentials"
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        for number in (1, 2):
            monkeypatch.setitem(server.callers, f"KEY{number}", Caller(f"arn:{number}", "s"))
            file.write_text(f"[default]\naws_access_key_id=KEY{number}\naws_secret_access_key=s\n")
            assert session.get(server.url).json()["message"] == f"arn:{number}"

    def test_of_an_assumed_role_are_refreshed_before_they_expire(
        self, server: Front, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        issued: list[str] = []

        def issue() -> dict[str, str]:
            """As STS does, for a time that is already over the second time that it is asked for."""
            issued.append(f"ASIA{len(issued)}")
            life = datetime.timedelta(minutes=1 if len(issued) == 1 else 60)
            server.callers[issued[-1]] = Caller(f"arn:{issued[-1]}", "secret", "token")
            return {
                "access_key": issued[-1],
                "secret_key": "secret",
                "token": "token",
                "expiry_time": (datetime.datetime.now(datetime.timezone.utc) + life).isoformat(),
            }

        session = Session()
        credentials = RefreshableCredentials.create_from_metadata(issue(), issue, "sts")
        monkeypatch.setattr(session, "get_credentials", lambda: credentials)
        auth = SigV4Auth(session=session)
        arns = [requests.get(server.url, auth=auth).json()["message"] for _ in range(3)]
        # The first ones had less time left than botocore wants, so they were replaced once.
        assert arns == ["arn:ASIA1"] * 3

    def test_that_are_missing(
        self, server: Front, session: requests.Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        with pytest.raises(SigningError, match="No AWS credentials found: sign in"):
            session.get(server.url)


class TestRegion:
    @pytest.mark.parametrize(
        ("host", "region"),
        [
            ("a1.execute-api.us-east-1.amazonaws.com", "us-east-1"),
            ("a1.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("a1.execute-api.us-gov-west-1.amazonaws.com:443", "us-gov-west-1"),
            ("a1.execute-api.eu-central-1.api.aws", "eu-central-1"),
            ("A1.EXECUTE-API.EU-WEST-3.AMAZONAWS.COM", "eu-west-3"),
        ],
    )
    def test_is_that_of_the_url(
        self, monkeypatch: pytest.MonkeyPatch, host: str, region: str
    ) -> None:
        monkeypatch.delenv("MLOPS_SIGV4_REGION")
        request = requests.Request("GET", f"https://{host}/", auth=SigV4Auth()).prepare()
        assert f"/{region}/execute-api/aws4_request" in request.headers["Authorization"]

    def test_must_be_set_for_other_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MLOPS_SIGV4_REGION")
        # A name that only looks like an API's must not choose the region.
        for host in ("mlflow.example.com", "x.execute-api.eu-west-1.amazonaws.com.evil.example"):
            with pytest.raises(SigningError, match=f"{host} does not name.*MLOPS_SIGV4_REGION"):
                requests.Request("GET", f"https://{host}/", auth=SigV4Auth()).prepare()

    def test_of_another_api_is_refused(self, server: Front) -> None:
        assert requests.get(server.url, auth=SigV4Auth("us-west-2")).status_code == 403
        assert requests.get(server.url, auth=SigV4Auth(REGION)).status_code == 200


def test_mlflow_finds_the_provider_by_its_name() -> None:
    from mlflow.tracking.request_auth.registry import fetch_auth

    assert isinstance(fetch_auth("mlops-sigv4"), SigV4Auth)
    assert SigV4AuthProvider().get_name() == "mlops-sigv4"


def test_unsigned_requests_are_refused(server: Front) -> None:
    assert requests.get(server.url).status_code == 403
