"""Logging in and out: what is kept, what is said, and who acts."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import TOKEN, Run
from tests.unit.cli.fake_api import FakeApi
from tests.unit.cli.people import (
    ACME,
    ADA,
    ENDED,
    LOGIN,
    PASSWORD,
    REFRESH,
    access,
    bearers,
    kept,
    refresh,
    session_files,
    tokens,
)

ME = "GET /v1/auth/me"
WHO = {
    "user": {"id": "u-1", "email": ADA}, "organization": {"slug": "zephyr", "role": "owner"}, "role": "owner",
    "permissions": ["data:read"], "organizations": [{"slug": "zephyr", "name": "Zephyr", "role": "owner"}, ACME],
}  # fmt: skip
PAGE = {"items": [], "next": None}
LIST, MEMBERS = "GET /v1/organizations?limit=50", "GET /v1/organizations/zephyr/members"


def test_a_log_in_is_kept_for_its_owner_alone_and_nothing_of_it_is_printed(
    api: FakeApi, run: Run, tmp_path: Path
) -> None:
    api.on(LOGIN, 200, tokens())
    result = run("login", ADA, "--organization", "zephyr", "--password-stdin", typed=f"{PASSWORD}\n")
    assert result.exit_code == 0 and f"{ADA} is owner in zephyr." in result.stdout
    assert api.asked[0].body == {"email": ADA, "password": PASSWORD, "organization": "zephyr"}
    assert "Authorization" not in api.asked[0].headers, "whoever logs in is nobody yet"
    (file,) = session_files(tmp_path)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert kept(tmp_path)["refresh_token"] == refresh(1)


def test_an_address_and_a_browser_are_two_ways(api: FakeApi, run: Run) -> None:
    assert run("login").exit_code == 2
    assert run("login", ADA, "--browser").exit_code == 2
    assert run("login", ADA, "--password-stdin", typed="\n").exit_code == 2
    assert not api.asked


def test_a_wrong_password_is_told_as_the_api_tells_it(api: FakeApi, run: Run, tmp_path: Path) -> None:
    refused = {"type": "https://agent-ready.io/problems/login-refused", "title": "E-mail or password is wrong"}
    api.on(LOGIN, 401, refused)
    result = run("login", ADA, "--password-stdin", typed=PASSWORD)
    assert result.exit_code == 3 and "is wrong" in result.stderr
    assert "OPERATOR_TOKEN" not in result.stderr, "that has nothing to do with it"
    assert not (tmp_path / "agent-ready").exists()


def test_a_password_that_comes_back_in_an_answer_is_not_printed(api: FakeApi, run: Run) -> None:
    api.on(LOGIN, 422, {"title": "Invalid", "detail": f"{PASSWORD} is too long"})
    assert "***" in run("login", ADA, "--password-stdin", typed=PASSWORD).stderr


@pytest.mark.parametrize("command", [("login", ADA, "--password-stdin"), ("password", "reset", ADA), ("whoami",)])
def test_nothing_private_goes_over_an_open_line(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, typed=PASSWORD, API_URL="http://api.example", OPERATOR_TOKEN=None)
    assert result.exit_code == 2 and "unencrypted" in result.stderr


def test_whoever_is_logged_in_is_shown_with_what_they_may(api: FakeApi, person: Run) -> None:
    api.on(ME, 200, WHO)
    result = person("whoami")
    assert result.exit_code == 0 and ADA in result.stdout and "data:read" in result.stdout and "acme" in result.stdout
    assert bearers(api, ME) == [access(1)]
    assert json.loads(person("whoami", "--json").stdout) == WHO


def test_sessions_are_listed(api: FakeApi, person: Run) -> None:
    one = {"id": "s-1", "client_id": "agent-ready-cli", "created_at": "2026-11-25T20:00:00Z"}
    api.on("GET /v1/auth/sessions", 200, {"items": [one]})
    assert "s-1" in person("sessions").stdout


def test_a_switch_speaks_for_the_other_organization_from_then_on(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on(REFRESH, 200, tokens(2, organization=ACME)).on(ME, 200, WHO)
    assert "viewer in acme" in person("switch", "acme").stdout
    assert api.asked[0].body == {"refresh_token": refresh(1), "organization": "acme"}
    assert kept(tmp_path)["organization"] == "acme"
    person("whoami")
    assert bearers(api, ME) == [access(2)]


def test_a_switch_that_is_refused_leaves_the_session_as_it_was(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on(REFRESH, 403, {"type": "https://agent-ready.io/problems/not-a-member", "title": "Not a member"})
    assert person("switch", "globex").exit_code == 3
    assert kept(tmp_path)["access_token"] == access(1)


def test_who_belongs_to_nothing_yet_is_told_so(api: FakeApi, run: Run) -> None:
    api.on(LOGIN, 200, tokens(organization=None))
    result = run("login", ADA, "--password-stdin", typed=PASSWORD)
    assert "no organization yet" in result.stdout and "acme" in result.stdout and "switch SLUG" in result.stderr


def test_a_log_out_leaves_nothing_behind(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on("POST /v1/auth/logout", 204)
    assert person("logout").exit_code == 0
    assert bearers(api, "POST /v1/auth/logout") == [access(1)]
    assert session_files(tmp_path) == []
    again = person("whoami")
    assert again.exit_code == 2 and "Nobody is logged in" in again.stderr and "python -m cli login" in again.stderr


def test_a_session_that_has_ended_already_is_left_all_the_same(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on("POST /v1/auth/logout", 401, {"title": "The caller is not known"}).on(REFRESH, 401, ENDED)
    assert person("logout").exit_code == 0
    assert session_files(tmp_path) == []


def test_a_log_out_that_the_api_did_not_hear_of_did_not_happen(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on("POST /v1/auth/logout", 503, {"title": "Away"})
    assert person("logout").exit_code == 4
    assert kept(tmp_path)["access_token"] == access(1), "its tokens count still, and could be ended by nobody else"


@pytest.mark.parametrize(
    ("token", "acts_as", "of_operators", "of_persons"),
    [
        (TOKEN, None, TOKEN, access(1)),
        (None, None, access(1), access(1)),
        (TOKEN, "session", access(1), access(1)),
        (TOKEN, "operator", TOKEN, TOKEN),
    ],
)
def test_who_acts_is_the_operator_or_the_person_by_a_rule_that_can_be_overruled(
    api: FakeApi, person: Run, token: str | None, acts_as: str | None, of_operators: str, of_persons: str
) -> None:
    api.on(LIST, 200, PAGE).on(MEMBERS, 200, {"items": []}).on(ME, 200, WHO)
    for command in (("list",), ("members", "list", "zephyr"), ("whoami",)):
        assert person(*command, OPERATOR_TOKEN=token, AGENT_READY_AS=acts_as).exit_code == 0
    assert bearers(api, LIST) == [of_operators]
    assert bearers(api, MEMBERS) == [of_persons]
    assert bearers(api, ME) == [access(1)], "this is about the session itself"


def test_a_sign_up_is_nobodys_unless_somebody_says_so(api: FakeApi, person: Run) -> None:
    made = {"id": 7, "slug": "z", "namespace": "org-z", "status": "COMMITTED", "operation_id": "op-1"}
    api.on("POST /v1/organizations", 201, made)
    for acts_as in (None, "session"):
        person("signup", "Z", "--owner", ADA, OPERATOR_TOKEN=None, AGENT_READY_AS=acts_as)
    assert bearers(api, "POST /v1/organizations") == [None, access(1)]


def test_who_acts_cannot_be_somebody_that_there_is_not(run: Run) -> None:
    assert "OPERATOR_TOKEN is not set" in run("list", AGENT_READY_AS="operator", OPERATOR_TOKEN=None).stderr
    unknown = run("list", AGENT_READY_AS="root")
    assert unknown.exit_code == 2 and "'root'" in unknown.stderr


def test_what_else_could_act_is_named_where_it_could(run: Run) -> None:
    assert "AGENT_READY_AS=operator" in run("members", "list", "zephyr").stderr
    assert "AGENT_READY_AS" not in run("members", "list", "zephyr", OPERATOR_TOKEN=None).stderr
    assert "AGENT_READY_AS" not in run("whoami").stderr


def test_another_address_is_another_session(api: FakeApi, person: Run) -> None:
    result = person("whoami", API_URL="http://127.0.0.1:1")
    assert result.exit_code == 2 and not api.asked
