"""Errors: what is shown, what to do next, the exit code; and never a secret."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cli.errors import CliError, Misused
from cli.problems import retry_after
from cli.screen import Screen
from cli.settings import Settings
from tests.unit.cli.conftest import TOKEN, Run
from tests.unit.cli.fake_api import FakeApi

PAGE = {"items": [], "next": None}
LIST = "GET /v1/organizations?limit=50"


def test_a_problem_shows_its_detail_fields_and_request(api: FakeApi, run: Run) -> None:
    problem = {
        "type": "about:blank", "title": "Unprocessable", "status": 422, "detail": "2 fields are wrong",
        "request_id": "req-9", "errors": [{"field": "plan", "problem": "'gold' is no plan"}],
    }  # fmt: skip
    api.on("POST /v1/organizations", 422, problem)
    result = run("signup", "Zephyr", "--owner", "a@b.example", "--plan", "gold")
    assert result.exit_code == 3
    for text in ("2 fields are wrong", "plan: 'gold' is no plan", "req-9", "422"):
        assert text in result.stderr


@pytest.mark.parametrize(("token", "said"), [(TOKEN, "not this API's"), (None, "OPERATOR_TOKEN is not set")])
def test_401_names_the_way_to_a_token(api: FakeApi, run: Run, token: str | None, said: str) -> None:
    api.on(LIST, 401, {"title": "Unauthorized"})
    result = run("list", OPERATOR_TOKEN=token)
    assert result.exit_code == 3
    assert said in result.stderr and ". .local/env" in result.stderr


def test_a_busy_api_says_when_and_is_asked_again_only_if_that_was_wished(api: FakeApi, run: Run) -> None:
    api.on(LIST, 429, {"title": "Too many"}, Retry_After="0").on(LIST, 429, {"title": "Too many"}, Retry_After="0")
    api.on(LIST, 200, PAGE)
    hasty = run("list")
    assert (hasty.exit_code, "--wait" in hasty.stderr) == (4, True)
    assert run("list", "--wait").exit_code == 0
    assert len(api.asked) == 3


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("7") == 7
    assert 55 < retry_after(format_datetime(datetime.now(UTC) + timedelta(minutes=1))) <= 60
    assert retry_after("soon") > 0


def test_nothing_there_names_make_up(run: Run) -> None:
    result = run("status", API_URL="http://127.0.0.1:1")
    assert (result.exit_code, "make up" in result.stderr) == (4, True)


@pytest.mark.parametrize(("status", "code"), [(502, 4), (200, 4), (404, 4)])
def test_what_is_not_this_api_is_said_to_be_something_else(api: FakeApi, run: Run, status: int, code: int) -> None:
    api.on(LIST, status, "<html>a proxy</html>", Content_Type="text/html")
    result = run("list")
    assert result.exit_code == code
    assert "<html>" not in result.output


def test_a_secret_that_comes_back_in_an_answer_is_not_printed(api: FakeApi, run: Run) -> None:
    api.on("GET /v1/organizations/a", 403, {"title": "Forbidden", "detail": f"Bearer {TOKEN} may not"})
    api.on("GET /v1/organizations/b", 200, {**ORGANIZATION, "name": TOKEN})
    assert "***" in run("show", "a").stderr  # the fixture looks for the token in everything
    assert "***" in run("show", "b").stdout
    assert "***" in run("show", "b", "--json").stdout


def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(run: Run) -> None:
    result = run("list", OPERATOR_TOKEN="broken\nhidden-half")
    assert result.exit_code == 2
    assert "hidden-half" not in result.output


def test_settings_hide_the_token_from_repr() -> None:
    assert "geheim" not in repr(Settings.read({"API_URL": "https://api.example", "OPERATOR_TOKEN": "geheim"}))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "not set"),
        ("http://api.example", "unencrypted"),
        ("https://me:hidden@api.example", "a password"),
        ("ftp://api.example", "http"),
        ("127.0.0.1:8080", "http"),
    ],
)
def test_an_address_that_will_not_do_is_refused(url: str, why: str) -> None:
    with pytest.raises(Misused, match=why) as refused:
        Settings.read({"API_URL": url, "OPERATOR_TOKEN": "t"})
    assert "hidden" not in str(refused.value)


def test_no_terminal_sequence_of_an_answer_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().error(CliError("a\x1b]0;owned\x07b\u202ec [red]d[/red]"))
    printed = capsys.readouterr().err
    assert "\x1b]" not in printed and "\x07" not in printed and "\u202e" not in printed
    assert "[red]d[/red]" in printed, "markup of an answer is text"


@pytest.mark.parametrize(
    ("is_terminal", "printed"), [(True, "a\ufffd]0;owned\ufffd\n"), (False, "a\x1b]0;owned\x07\n")]
)
def test_a_document_is_as_it_came_but_on_a_terminal(
    is_terminal: bool, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    Screen().raw("a\x1b]0;owned\x07\n")
    assert capsys.readouterr().out == printed


def test_a_name_that_would_leave_its_place_in_the_path_stays_in_it(api: FakeApi, run: Run) -> None:
    run("show", "../operations?x=1")
    assert api.calls() == ["GET /v1/organizations/..%2Foperations%3Fx%3D1"]
    assert run("show", "..").exit_code == 2


def test_help_teaches_with_examples_and_exit_codes(run: Run) -> None:
    text = run("--help", API_URL=None, OPERATOR_TOKEN=None).stdout
    assert "Examples" in text and "130  Ctrl-C" in text
    assert "--reason" in run("quota", "set", "--help").stdout


ORGANIZATION = {
    "id": 1, "slug": "b", "name": "B", "plan": "starter", "status": "COMMITTED", "namespace": "org-b",
    "managed_by": "api",
}  # fmt: skip
