"""The ui proxy's signatures, checked by the same independent verifier as the Python client's."""

import http.client
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pytest
from callers import ACCESS_KEY, ARN, SECRET_KEY
from front import Front
from hypothesis import given, settings
from hypothesis import strategies as st
from local.processes import HOST
from sigv4 import Caller
from ui import run_ui

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.fixture(scope="module")
def server() -> Iterator[Front]:
    with Front({ACCESS_KEY: Caller(ARN, SECRET_KEY)}, version="3.17.2") as front:
        yield front


@pytest.fixture(scope="module")
def ui(server: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with run_ui(server.url, (ACCESS_KEY, SECRET_KEY), tmp_path_factory.mktemp("ui")) as port:
        yield port


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    st.lists(TEXT.filter(lambda part: part not in ("", ".", "..")), max_size=4),
    st.lists(st.tuples(TEXT.filter(lambda key: key != "__proto__"), TEXT), max_size=5),
    st.binary(max_size=2000),
    st.sampled_from(["application/json", "text/plain; charset=utf-8", None]),
)
def test_are_right_for_any_request(
    server: Front,
    ui: int,
    method: str,
    parts: list[str],
    query: list[tuple[str, str]],
    body: bytes,
    content_type: str | None,
) -> None:
    target = "/" + "/".join(quote(part, safe="!'()*@:$,;=+") for part in parts)
    headers = {"Content-Type": content_type} if content_type else {}
    connection = http.client.HTTPConnection(HOST, ui, timeout=20)
    connection.request(method, f"{target}?{urlencode(query)}", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()

    assert answer.status == 200, (content, server.refusals[-1:])
    came = server.seen[-1]
    assert (came.method, came.body) == (method, body)
    assert unquote(came.target.partition("?")[0]) == unquote(target)
    arrived = parse_qsl(urlsplit("http://host" + came.target).query, keep_blank_values=True)
    # Keys may change places; the values of one key may not.
    assert sorted(arrived, key=lambda pair: pair[0]) == sorted(query, key=lambda pair: pair[0])
