"""The simulator, on what IAM's documentation says."""

import json

import pytest
from iam import allows


def statement(effect: str, *resources: str, **more: object) -> dict[str, object]:
    return {
        "Effect": effect,
        "Action": "execute-api:Invoke",
        "Resource": list(resources),
        **more,
    }


def decide(resource: str, *statements: dict[str, object]) -> bool:
    return allows(json.dumps({"Statement": statements}), "execute-api:Invoke", resource)


def test_nothing_is_allowed_by_itself() -> None:
    assert not decide("a/GET/x")
    assert not decide("a/GET/x", statement("Allow", "a/POST/*"))


def test_a_star_stands_for_slashes_too_and_other_signs_for_themselves() -> None:
    assert decide("a/$default/GET/x/y", statement("Allow", "a/$default/GET/*"))
    assert not decide("a/$default/GET/x", statement("Allow", "a/.default/GET/x"))
    assert not decide("a/GET/xy", statement("Allow", "a/GET/x"))
    assert decide("a/GET/x", statement("Allow", "a/GET/?"))


def test_a_denial_wins() -> None:
    assert not decide("a/GET/x", statement("Allow", "*"), statement("Deny", "a/GET/*"))


def test_another_action_is_another_right() -> None:
    assert not decide("a", statement("Allow", "*", Action="execute-api:ManageConnections"))


def test_what_it_does_not_know_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match="Condition"):
        decide("a", statement("Allow", "*", Condition={}))
