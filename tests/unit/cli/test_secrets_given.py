"""Passwords and mailed tokens: how they come in, that they are sent, and that they show nowhere."""

import os
import pty
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

from cli.identity import ask
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi
from tests.unit.cli.people import ADA, LOGIN, PASSWORD, SECRET, access, bearers, kept, tokens

SET, CHANGE, RESET = (f"POST /v1/auth/password{end}" for end in ("", "/change", "/reset"))
ACCEPT = "POST /v1/auth/invitations/accept"
TOKEN = f"{SECRET}mailed-token"
JOINED = {"organization": "zephyr", "role": "viewer", "operation_id": "op-1"}
ROOT = Path(__file__).parents[3]


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "token.txt"
    file.write_text(f"\n{TOKEN}\n")
    return str(file)


def test_a_password_is_set_by_a_mailed_token_by_somebody_who_is_nobody_yet(
    api: FakeApi, run: Run, token_file: str
) -> None:
    api.on(SET, 204)
    result = run("password", "set", "--token-file", token_file, "--password-stdin", typed=f"{PASSWORD}\n")
    assert result.exit_code == 0 and "python -m cli login" in result.stderr
    assert api.asked[0].body == {"token": TOKEN, "password": PASSWORD}
    assert bearers(api, SET) == [None]


def test_blanks_inside_a_password_stay(api: FakeApi, run: Run, token_file: str) -> None:
    api.on(SET, 204)
    run("password", "set", "--token-file", token_file, "--password-stdin", typed=f" {PASSWORD} of words \r\n")
    assert api.asked[0].body["password"] == f" {PASSWORD} of words "


@pytest.mark.parametrize("command", [("password", "set"), ("invitation", "accept")])
def test_standard_input_cannot_be_two_things(api: FakeApi, run: Run, command: tuple[str, ...]) -> None:
    for more in ((), ("--token-file", "-")):
        result = run(*command, "--password-stdin", *more, typed=TOKEN)
        assert result.exit_code == 2 and "--token-file" in result.stderr
    assert not api.asked


@pytest.mark.parametrize("text", ["Hello Zephyr", "Grüße, Zephyr — ☀"])
def test_the_mail_itself_is_taken_for_the_token_in_it(api: FakeApi, run: Run, tmp_path: Path, text: str) -> None:
    mailed = f"{SECRET}{'x' * 36}"
    message = EmailMessage()
    message["Subject"] = "Join Zephyr"
    message.set_content(f"{text}\n\n{mailed}\n\n    agent-ready invitation accept\n")
    (tmp_path / "mail.eml").write_bytes(message.as_bytes())
    api.on(ACCEPT, 200, JOINED)
    assert run("invitation", "accept", "--token-file", str(tmp_path / "mail.eml")).exit_code == 0
    assert api.asked[0].body == {"token": mailed}


def test_a_token_is_one_word_and_a_file_that_is_there(api: FakeApi, run: Run, tmp_path: Path) -> None:
    (tmp_path / "mail").write_text(f"Subject: {TOKEN} and more")
    for file in ("mail", "nowhere"):
        result = run("invitation", "accept", "--token-file", str(tmp_path / file))
        assert result.exit_code == 2
    assert not api.asked


def test_a_change_needs_the_password_of_now_and_only_of_whoever_is_logged_in(api: FakeApi, person: Run) -> None:
    api.on(CHANGE, 204)
    assert person("password", "change", "--password-stdin", typed=f"{PASSWORD}\n{PASSWORD}-2\n").exit_code == 0
    assert api.asked[0].body == {"current": PASSWORD, "new": f"{PASSWORD}-2"}
    assert bearers(api, CHANGE) == [access(1)]


def test_a_reset_never_tells_whether_there_is_an_account(api: FakeApi, run: Run) -> None:
    api.on(RESET, 202)
    result = run("password", "reset", ADA)
    assert result.exit_code == 0 and "If ada@zephyr.example has an account" in result.stderr
    assert bearers(api, RESET) == [None]


def test_an_invitation_is_accepted_by_its_token_alone_or_with_a_new_account(
    api: FakeApi, run: Run, token_file: str
) -> None:
    api.on(ACCEPT, 200, JOINED)
    accepted = run("invitation", "accept", typed=f"{TOKEN}\n")
    assert accepted.exit_code == 0 and "viewer" in accepted.stdout
    run("invitation", "accept", "--token-file", token_file, "--password-stdin", typed=PASSWORD)
    assert [asked.body for asked in api.asked] == [{"token": TOKEN}, {"token": TOKEN, "password": PASSWORD}]


def test_who_has_no_account_yet_chooses_its_password(api: FakeApi, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = {"type": "https://agent-ready.io/problems/password-needed", "title": "There is no account yet"}
    api.on(ACCEPT, 422, needed).on(ACCEPT, 200, JOINED)
    monkeypatch.setattr(ask, "getpass", lambda _: PASSWORD)
    assert run("invitation", "accept", typed=TOKEN).exit_code == 0
    assert [asked.body.get("password") for asked in api.asked] == [None, PASSWORD]


def test_a_new_password_that_was_mistyped_is_not_sent(
    api: FakeApi, run: Run, token_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter([PASSWORD, f"{PASSWORD}x"])
    monkeypatch.setattr(ask, "getpass", lambda _: next(typed))
    mistyped = run("password", "set", "--token-file", token_file)
    assert mistyped.exit_code == 2 and "differ" in mistyped.stderr and not api.asked


def test_a_secret_that_an_answer_repeats_is_not_printed(api: FakeApi, run: Run) -> None:
    api.on(ACCEPT, 422, {"title": "Invalid", "errors": [{"field": "token", "problem": f"{TOKEN} is unknown"}]})
    assert "***" in run("invitation", "accept", typed=TOKEN).stderr


def on_a_terminal(arguments: list[str], typed: list[str], **environment: str) -> tuple[int, str]:
    """Run the real process on a terminal of its own: its exit code, and all that the terminal showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", "cli", *arguments], {**os.environ, **environment})
    shown = b""
    try:
        for line in typed:
            while not shown.endswith(b": "):
                shown += os.read(terminal, 1024)
            os.write(terminal, f"{line}\n".encode())
            shown += b"\n"
        while part := os.read(terminal, 1024):
            shown += part
    except OSError:  # what a terminal says when nobody is behind it any more
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_a_password_is_asked_for_on_the_terminal_and_not_shown_there(api: FakeApi, tmp_path: Path) -> None:
    api.on(LOGIN, 200, tokens())
    with api.served() as url:
        code, shown = on_a_terminal(
            ["login", ADA], [PASSWORD], API_URL=url, OPERATOR_TOKEN="", XDG_STATE_HOME=str(tmp_path)
        )
    assert code == 0, shown
    assert f"Password of {ADA}:" in shown and "is owner in zephyr" in shown
    assert SECRET not in shown
    assert api.asked[0].body["password"] == PASSWORD and kept(tmp_path)["email"] == ADA
