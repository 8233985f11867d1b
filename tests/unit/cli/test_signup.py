"""`signup`: the call, the key, the wait, and what is said when it ends otherwise."""

import json
import re

import pytest

from cli.errors import Interrupted
from cli.session import going_on
from tests.unit.cli.conftest import TOKEN, Run
from tests.unit.cli.fake_api import FakeApi, end, step

MADE = {"id": 7, "slug": "zephyr", "namespace": "org-zephyr", "status": "COMMITTED", "operation_id": "op-1"}
SIGN_UP = ("signup", "Zephyr Foods", "--owner", "ada@zephyr.example")
COMMITTED = {"id": "op-1", "kind": "signup", "slug": "zephyr", "state": "COMMITTED", "answer": MADE}
FAILED = {
    "id": "op-1", "kind": "signup", "slug": "zephyr", "state": "FAILED",
    "problem": {"title": "Namespace exists", "detail": "org-zephyr is somebody else's; all was undone"},
}  # fmt: skip


def test_what_was_made_is_printed_and_a_fresh_key_went_with_the_call(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/organizations", 201, MADE)
    first, second = run(*SIGN_UP), run(*SIGN_UP)
    assert first.exit_code == 0
    assert re.search(r"^namespace +org-zephyr$", first.stdout, re.M)
    keys = [asked.headers["Idempotency-Key"] for asked in api.asked]
    assert keys[0] in first.stderr and keys[1] in second.stderr
    assert keys[0] != keys[1], "two sign-ups are two calls"


def test_only_what_was_given_is_sent(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/organizations", 201, MADE)
    run(*SIGN_UP, "--plan", "business", "--cpu", "8")
    run(*SIGN_UP)
    assert api.asked[0].body["quota"] == {"cpu": "8"}
    assert api.asked[1].body == {"name": "Zephyr Foods", "owner_email": "ada@zephyr.example"}
    assert api.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_key_that_is_given_is_used(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/organizations", 201, MADE)
    run(*SIGN_UP, "--key", "earlier")
    assert api.asked[0].headers["Idempotency-Key"] == "earlier"


def test_a_key_that_cannot_stand_in_a_header_is_refused_before_anything_is_sent(api: FakeApi, run: Run) -> None:
    assert run(*SIGN_UP, "--key", "two\nlines").exit_code == 2
    assert not api.asked


def test_a_longer_sign_up_shows_its_steps_and_prints_the_same_in_the_end(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/organizations", 202, {"operation_id": "op-1"}, Location="/v1/operations/op-1")
    api.streams("op-1", step(1, "reserved"), step(2, "gate", "status.hard is filled"), end(COMMITTED))
    result = run(*SIGN_UP)
    assert result.exit_code == 0
    assert "reserved" in result.stderr and "gate: status.hard is filled" in result.stderr
    assert json.loads(run(*SIGN_UP, "--json").stdout) == MADE


def test_a_sign_up_that_fails_says_why_and_ends_with_1(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/organizations", 202, {"operation_id": "op-1"}).streams("op-1", end(FAILED))
    result = run(*SIGN_UP)
    assert result.exit_code == 1
    assert "org-zephyr is somebody else's; all was undone" in result.stderr
    assert result.stdout == ""


def test_without_an_operators_token_the_operations_own_is_used_and_never_printed(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/organizations", 202, {"operation_id": "op-1", "token": "just-this-one"})
    api.streams("op-1", end(COMMITTED))
    result = run(*SIGN_UP, "--json", OPERATOR_TOKEN=None)
    assert result.exit_code == 0
    assert "Authorization" not in api.asked[0].headers
    assert api.asked[1].headers["Authorization"] == "Bearer just-this-one"
    assert "just-this-one" not in result.output


def test_ctrl_c_says_that_it_goes_on_and_how_to_look() -> None:
    with pytest.raises(Interrupted, match="goes on") as interrupted, going_on("It goes on.", "watch op-1"):
        raise KeyboardInterrupt
    assert interrupted.value.next_step == "watch op-1"
    assert interrupted.value.exit_code == 130


def test_a_lost_answer_names_the_key_to_repeat_the_call_with(run: Run) -> None:
    result = run(*SIGN_UP, "--key", "k-1", API_URL="http://127.0.0.1:1")
    assert result.exit_code == 4
    assert "make up" in result.stderr and "--key k-1" in result.stderr
