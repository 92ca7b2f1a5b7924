"""What a running model server answers."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import odd_models
import pandas
import pytest
from local.processes import wait_until
from model_server import JSON, ModelServer, Reply

CSV = {"Content-Type": "text/csv; charset=utf-8"}
Diabetes = tuple[Any, pandas.DataFrame]


def expected(diabetes: Diabetes, rows: pandas.DataFrame) -> Any:
    model, _ = diabetes
    return pytest.approx(model.predict(rows).tolist(), rel=1e-12)


def split(rows: pandas.DataFrame) -> dict[str, Any]:
    return {"dataframe_split": rows.to_dict(orient="split", index=False)}


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        (split, JSON),
        (lambda rows: {"dataframe_records": rows.to_dict(orient="records")}, JSON),
        (lambda rows: {"inputs": rows.to_dict(orient="list")}, JSON),
        (lambda rows: {"instances": rows.to_dict(orient="records")}, JSON),
        (lambda rows: rows.to_csv(index=False), CSV),
    ],
    ids=["dataframe_split", "dataframe_records", "inputs", "instances", "csv"],
)
def test_predicts_as_the_model_does(
    diabetes_server: ModelServer,
    diabetes: Diabetes,
    form: Callable[[pandas.DataFrame], object],
    headers: dict[str, str],
) -> None:
    rows = diabetes[1].head(3)

    reply = diabetes_server.invoke(form(rows), headers)

    assert reply.status == 200, reply.text
    assert reply.json["predictions"] == expected(diabetes, rows)


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        ("{", JSON, 400, "the body is not application/json: Expecting property name"),
        ("", JSON, 400, "the body is not application/json: Expecting value"),
        ("[" * 100_000, JSON, 400, "the body is not application/json"),
        (b"\xff", JSON, 400, "the body is not application/json: 'utf-8' codec can't decode"),
        (b"\xff", CSV, 400, "the body is not text/csv: 'utf-8' codec can't decode"),
        ("", CSV, 400, "Failed to parse input"),
        ([1], JSON, 400, "The input must be a JSON dictionary"),
        ({"rows": [1]}, JSON, 400, "The input must be a JSON dictionary"),
        ({"dataframe_split": [1]}, JSON, 400, "Dataframe split format must be a dictionary"),
        ({"dataframe_split": {"columns": ["a" * 9000], "data": [[1]]}}, JSON, 400, "schema"),
        ("age\n1\n", CSV, 400, "Model is missing inputs ['sex', 'bmi'"),
        ("{}", {"Content-Type": "application/xml"}, 415, '"application/xml": send application/js'),
        ("{}", {"Content-Type": "text/csv; charset=latin-1"}, 415, "in UTF-8"),
        ("{}", {}, 415, 'the Content-Type is ""'),
    ],
)
def test_refuses_a_bad_request_in_one_form(
    diabetes_server: ModelServer,
    body: object,
    headers: dict[str, str],
    status: int,
    message: str,
) -> None:
    reply = diabetes_server.invoke(body, headers)

    assert reply.status == status, reply.text
    assert message in reply.json["message"]
    assert reply.json.keys() == {"error_code", "message"}
    assert "Traceback" not in reply.text
    assert len(reply.text) < 2000


def test_knows_no_other_path(diabetes_server: ModelServer) -> None:
    connection = diabetes_server.connect()
    connection.request("GET", "/invocations")

    assert connection.getresponse().status == 405


def test_tells_that_the_model_failed_and_logs_where(
    save: Callable[..., Path], start: Callable[..., ModelServer]
) -> None:
    folder = save(odd_models.Failing(), serialization_format="cloudpickle")
    server = start(MODEL_FOLDER=str(folder))
    server.wait_for(200)

    reply = server.invoke({"dataframe_split": {"columns": ["number"], "data": [[4711]]}})

    assert reply.status == 500
    assert reply.json == {
        "error_code": "INTERNAL_ERROR",
        "message": "the model failed: ZeroDivisionError: division of 4711 by zero",
    }
    assert server.invoke("{", JSON).status == 400
    (failed, refused) = [line for line in server.records() if line["message"] == "invocation"]
    assert (failed["level"], failed["status"]) == ("ERROR", 500)
    assert re.search(r"odd_models.py:\d+ predict$", failed["trace"][-1])
    assert (refused["level"], refused["status"]) == ("INFO", 400)
    assert "4711" not in server.log.read_text()


def test_logs_no_ping(diabetes_server: ModelServer) -> None:
    assert diabetes_server.ping() == 200

    assert "ping" not in diabetes_server.log.read_text()


def test_a_caller_that_goes_away_is_no_failure(diabetes_server: ModelServer) -> None:
    connection = diabetes_server.connect()
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"{")
    connection.close()

    wait_until(
        lambda: any("went away" in line["message"] for line in diabetes_server.records()),
        "the line of the log",
    )
    assert not [line for line in diabetes_server.records() if "error" in line]
    assert diabetes_server.ping() == 200


def test_a_thousand_requests_each_get_their_own_answer(
    diabetes_server: ModelServer, diabetes: Diabetes
) -> None:
    rows = pandas.concat([diabetes[1] * scale for scale in (1, 2, 3)]).head(1000)
    assert len(rows.drop_duplicates()) == 1000
    kept = threading.local()

    def ask(number: int) -> Reply:
        if not hasattr(kept, "connection"):
            kept.connection = diabetes_server.connect()
        return diabetes_server.invoke(split(rows[number : number + 1]), JSON, kept.connection)

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(ask, range(1000)))

    assert [reply.status for reply in replies] == [200] * 1000
    predictions = [reply.json["predictions"][0] for reply in replies]
    assert predictions == expected(diabetes, rows)
