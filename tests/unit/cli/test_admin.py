"""Members, invitations, staff, keys, clients, revocation: what is asked, and by whom."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import TOKEN, Run
from tests.unit.cli.fake_api import FakeApi, end
from tests.unit.cli.people import ADA, SECRET, access, bearers

ONE = "/v1/organizations/zephyr"
BOB = "bob@zephyr.example"
CHANGED = {"slug": "zephyr", "changed": ["members"], "operation_id": "op-1"}
INVITED = {"id": "i-1", "email": BOB, "role": "viewer", "expires_at": "2026-12-02T20:00:00Z", "invited_by": ADA}
CLIENT: dict[str, Any] = {"client_id": "zephyr.wiki", "name": "Wiki", "redirect_uris": ["https://wiki.example/cb"]}
WIKI = ("clients", "set", "zephyr", "wiki", "--name", "Wiki", "--redirect-uri", "https://wiki.example/cb")


def test_members_are_listed_with_who_has_not_joined_yet(api: FakeApi, person: Run) -> None:
    rows = [
        {"email": ADA, "role": "owner", "since": "2026-11-25T20:00:00Z", "has_joined": True},
        {"email": BOB, "role": "viewer", "since": "2026-11-25T20:00:00Z", "has_joined": False},
    ]
    api.on(f"GET {ONE}/members", 200, {"items": rows})
    shown = person("members", "list", "zephyr").stdout
    assert "yes" in shown and "not yet" in shown
    assert json.loads(person("members", "list", "zephyr", "--json").stdout)["items"] == rows


@pytest.mark.parametrize(
    ("arguments", "call", "body"),
    [
        (("set", "zephyr", BOB, "admin"), f"PUT {ONE}/members/bob%40zephyr.example", {"role": "admin", "reason": "r"}),
        (("remove", "zephyr", BOB), f"DELETE {ONE}/members/bob%40zephyr.example?reason=r", None),
        (("transfer", "zephyr", BOB), f"POST {ONE}/members/transfer", {"to": BOB, "reason": "r"}),
        (
            ("transfer", "zephyr", BOB, "--from", ADA), f"POST {ONE}/members/transfer",
            {"to": BOB, "from": ADA, "reason": "r"},
        ),
    ],
)  # fmt: skip
def test_a_change_of_members_is_one_call_with_a_key_that_can_repeat_it(
    api: FakeApi, person: Run, arguments: tuple[str, ...], call: str, body: Any
) -> None:
    api.on(call, 200, CHANGED)
    result = person("members", *arguments, "--reason", "r", "--key", "k-1")
    assert result.exit_code == 0 and "op-1" in result.stdout
    asked = api.asked[0]
    assert (asked.call, asked.body, asked.headers["Idempotency-Key"]) == (call, body, "k-1")
    assert bearers(api, call) == [access(1)]


def test_a_change_that_takes_longer_is_watched(api: FakeApi, person: Run) -> None:
    api.on(f"DELETE {ONE}/members/bob%40zephyr.example?reason=left", 202, {"operation_id": "op-1"})
    api.streams("op-1", end({"id": "op-1", "state": "COMMITTED", "answer": CHANGED}))
    result = person("members", "remove", "zephyr", BOB, "--reason", "left", "--json")
    assert json.loads(result.stdout) == CHANGED


def test_a_change_of_members_says_why(api: FakeApi, person: Run) -> None:
    assert person("members", "set", "zephyr", BOB, "admin").exit_code == 2
    assert not api.asked


def test_somebody_is_invited_and_the_invitation_taken_back(api: FakeApi, person: Run) -> None:
    api.on(f"POST {ONE}/invitations", 201, INVITED).on(f"GET {ONE}/invitations", 200, {"items": [INVITED]})
    api.on(f"DELETE {ONE}/invitations/i-1", 204)
    assert "2026-12-02" in person("invite", "zephyr", BOB, "--role", "viewer").stdout
    assert api.asked[0].body == {"email": BOB, "role": "viewer"}
    assert "i-1" in person("invitations", "zephyr").stdout
    assert person("invitation", "withdraw", "zephyr", "i-1").exit_code == 0


def test_staff_and_keys_are_the_operators_when_there_is_one(api: FakeApi, person: Run) -> None:
    one = "/v1/platform/staff/grace%40platform.example"
    api.on(f"PUT {one}", 200, {"email": "grace@platform.example", "role": "operator"})
    api.on("GET /v1/platform/staff", 200, {"items": [{"email": "grace@platform.example", "role": "operator"}]})
    for role in ("operator", "none"):
        assert person("staff", "set", "grace@platform.example", role, "--reason", "r").exit_code == 0
    assert [asked.body["role"] for asked in api.asked] == ["operator", None]
    assert "grace" in person("staff", "list", OPERATOR_TOKEN=None).stdout
    assert bearers(api, f"PUT {one}") == [TOKEN, TOKEN]
    assert bearers(api, "GET /v1/platform/staff") == [access(1)]
    assert person("staff", "set", "g@p.example", "root", "--reason", "r").exit_code == 2


def test_keys_are_replaced_and_at_once_only_after_a_question(api: FakeApi, run: Run) -> None:
    key = {"kid": "k-1", "algorithm": "RS256", "signs": True, "active_from": 1795636800, "remove_at": None}
    api.on("GET /v1/platform/signing-keys", 200, {"items": [key]}).on("POST /v1/platform/signing-keys/rotate", 200, {})
    assert "2026-11-25T20:00:00+00:00" in run("keys", "list").stdout
    api.asked.clear()
    assert run("keys", "rotate", "--reason", "r", "--at-once", typed="n\n").exit_code == 2
    assert run("keys", "rotate", "--reason", "r", "--at-once", typed="").exit_code == 2
    assert not api.asked
    assert run("keys", "rotate", "--reason", "r").exit_code == 0
    assert run("keys", "rotate", "--reason", "r", "--at-once", "--yes").exit_code == 0
    assert [asked.body for asked in api.asked] == [{"reason": "r"}, {"reason": "r", "at_once": True}]


def test_a_clients_secret_goes_into_a_file_and_nowhere_else(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on(f"GET {ONE}/clients", 200, {"items": []})
    api.on(f"PUT {ONE}/clients/wiki", 201, {**CLIENT, "client_secret": f"{SECRET}of-the-wiki"})
    homeless = person(*WIKI, "--reason", "r")
    assert homeless.exit_code == 2 and "--secret-file" in homeless.stderr
    assert api.calls() == [f"GET {ONE}/clients"], "a secret that nobody keeps is not made"
    file = tmp_path / "wiki.secret"
    result = person(*WIKI, "--reason", "r", "--secret-file", str(file), "--json")
    assert json.loads(result.stdout) == CLIENT
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{SECRET}of-the-wiki", 0o600)
    assert person(*WIKI, "--reason", "r", "--secret-file", str(file)).exit_code == 2, "it would be lost"


def test_a_client_that_is_there_is_changed_without_a_secret_unless_a_new_one_is_wished(
    api: FakeApi, person: Run, tmp_path: Path
) -> None:
    api.on(f"GET {ONE}/clients", 200, {"items": [CLIENT]}).on(f"PUT {ONE}/clients/wiki", 200, CLIENT)
    assert person(*WIKI, "--reason", "r").exit_code == 0
    assert person(*WIKI, "--reason", "r", "--new-secret").exit_code == 2
    assert person(*WIKI, "--reason", "r", "--new-secret", "--secret-file", str(tmp_path / "s")).exit_code == 0
    puts = [asked.body for asked in api.asked if asked.call.startswith("PUT")]
    assert [body.get("new_secret") for body in puts] == [None, True]
    assert puts[0]["redirect_uris"] == ["https://wiki.example/cb"]


def test_clients_are_listed_and_removed_the_platforms_too(api: FakeApi, person: Run) -> None:
    api.on("GET /v1/platform/clients", 200, {"items": [CLIENT]}).on(f"DELETE {ONE}/clients/wiki?reason=gone", 204)
    assert "https://wiki.example/cb" in person("clients", "list", "platform").stdout
    assert person("clients", "remove", "zephyr", "wiki", "--reason", "gone").exit_code == 0


@pytest.mark.parametrize(
    ("named", "body"),
    [
        (("--session", "s-1"), {"session": "s-1"}),
        (("--token-file", "-"), {"token": f"{SECRET}jwt"}),
        (("--email", BOB), {"email": BOB}),
        (("--email", BOB, "--organization", "zephyr"), {"email": BOB, "organization": "zephyr"}),
    ],
)
def test_what_is_revoked_is_one_thing(api: FakeApi, person: Run, named: tuple[str, ...], body: dict[str, str]) -> None:
    api.on("POST /v1/auth/revoke", 200, {"revoked": 3})
    result = person("revoke", *named, "--reason", "lost", typed=f"{SECRET}jwt\n")
    assert result.exit_code == 0 and "revoked  3" in result.stdout
    assert api.asked[0].body == {**body, "reason": "lost"}


@pytest.mark.parametrize("named", [(), ("--session", "s", "--email", BOB)])
def test_nothing_or_two_things_are_not_revoked(api: FakeApi, person: Run, named: tuple[str, ...]) -> None:
    assert person("revoke", *named, "--reason", "lost").exit_code == 2
    assert not api.asked
