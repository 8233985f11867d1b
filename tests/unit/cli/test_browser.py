"""Logging in with the browser: PKCE, state, who is answered and who is not; and Ctrl-C."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest

from cli.connection import Connection
from cli.errors import BadAnswer, CliError, Interrupted, Misused, Refused, Unreachable
from cli.identity import browser
from cli.identity.issuer import Issuer, discover
from cli.settings import Settings
from tests.unit.cli.fake_issuer import CODE, FakeIssuer
from tests.unit.cli.people import SECRET, access, kept

ROOT = Path(__file__).parents[3]
VISITOR = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"


@pytest.fixture
def served() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer()
    with issuer.served() as issuer.url:
        yield issuer


def found(issuer: FakeIssuer) -> Issuer:
    connection = Connection(Settings(issuer.url, ""), wait=False, say=print)
    return Issuer(discover(connection), None)


def visit(address: str) -> None:
    """What a browser does: it goes there, and where it is sent."""
    urlopen(address).read()


def asked_for(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def come_back(address: str, **answer: str) -> tuple[int, str]:
    """Come back from the log-in with that answer: the status and the page that the browser gets."""
    place = urlsplit(asked_for(address)["redirect_uri"])
    connection = HTTPConnection(place.netloc)
    connection.request("GET", f"{place.path}?{urlencode(answer)}")
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_whoever_logs_in_in_the_browser_is_logged_in_here(served: FakeIssuer) -> None:
    said: list[str] = []
    given = browser.log_in(found(served), said.append, show=visit)
    assert given.access_token == access(1)
    assert f"{served.url}/oauth2/authorize?" in said[0], "a machine without a browser shows where to go"
    assert SECRET not in repr(given)


def test_each_log_in_has_its_own_state_and_proof(served: FakeIssuer) -> None:
    asked: list[dict[str, str]] = []

    def show(address: str) -> None:
        asked.append(asked_for(address))
        visit(address)

    for _ in range(2):
        browser.log_in(found(served), lambda _: None, show=show)
    for name in ("state", "code_challenge"):
        assert asked[0][name] != asked[1][name] and len(asked[0][name]) == 43
    assert asked[0]["redirect_uri"].startswith("http://127.0.0.1:"), "a name could lead elsewhere"


def test_an_answer_that_does_not_know_the_state_is_passed_by(served: FakeIssuer) -> None:
    statuses: list[int] = []

    def show(address: str) -> None:
        state = asked_for(address)["state"]
        for answer in ({"code": "foreign", "state": "guessed"}, {"code": "foreign"}, {"error": "access_denied"}):
            statuses.append(come_back(address, **answer)[0])
        twice = f"{urlencode({'code': 'a', 'state': state})}&code=b"
        place = urlsplit(asked_for(address)["redirect_uri"])
        connection = HTTPConnection(place.netloc)
        connection.request("GET", f"{place.path}?{twice}")
        statuses.append(connection.getresponse().status)
        visit(address)

    assert browser.log_in(found(served), lambda _: None, show=show).access_token == access(1)
    assert statuses == [400, 400, 400, 400]


@pytest.mark.parametrize(
    ("says", "error", "said"),
    [
        ({"error": "access_denied", "error_description": "not a member"}, Refused, "not a member"),
        ({"iss": "https://other.example"}, BadAnswer, "other.example"),
        ({"code": ""}, BadAnswer, "without a code"),
        ({"code": "another"}, Refused, "does not fit"),
    ],
)
def test_whatever_else_comes_back_logs_nobody_in(
    served: FakeIssuer, says: dict[str, str], error: type[CliError], said: str
) -> None:
    served.says = says
    with pytest.raises(error, match=said):
        browser.log_in(found(served), lambda _: None, show=visit)


def test_the_page_in_the_browser_repeats_nothing_that_it_was_sent(served: FakeIssuer) -> None:
    pages: list[str] = []

    def show(address: str) -> None:
        state = asked_for(address)["state"]
        pages.append(come_back(address, error="<b>bold</b>", state=state)[1])

    with pytest.raises(Refused):
        browser.log_in(found(served), lambda _: None, show=show)
    assert "bold" not in pages[0] and "Not logged in" in pages[0]


def interrupt(_: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("show", "error"), [(interrupt, Interrupted), (lambda _: None, Misused)])
def test_ctrl_c_and_patience_end_the_waiting(
    served: FakeIssuer, show: Callable[[str], None], error: type[CliError]
) -> None:
    with pytest.raises(error):
        browser.log_in(found(served), lambda _: None, show=show, patience=0.01)


@pytest.mark.parametrize(
    ("discovery", "said"),
    [
        ({"token_endpoint": "https://elsewhere.example/token"}, "somewhere else"),
        ({"issuer": "http://issuer.example"}, "not https"),
        ({"code_challenge_methods_supported": ["plain"]}, "S256"),
    ],
)
def test_an_issuer_that_is_not_to_be_trusted_is_not_gone_to(
    served: FakeIssuer, discovery: dict[str, object], said: str
) -> None:
    served.discovery = discovery
    with pytest.raises(BadAnswer, match=said):
        found(served)


def test_the_authority_of_the_issuers_certificate_is_a_file_that_holds_one(served: FakeIssuer, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    for name in ("ca.crt", "nowhere.crt"):
        issuer = Issuer(found(served).found, tmp_path / name)
        with pytest.raises(Misused, match="ISSUER_CA_FILE"):
            browser.log_in(issuer, lambda _: None, show=visit)


def test_an_issuer_that_is_away_is_told_as_such(served: FakeIssuer) -> None:
    issuer = found(served)
    away = Issuer(issuer.found.model_copy(update={"token_endpoint": "https://127.0.0.1:1/token"}), None)
    with pytest.raises(Unreachable):
        browser.log_in(away, lambda _: None, show=visit)


def test_the_whole_way_as_a_process_with_a_browser_of_the_environment(served: FakeIssuer, tmp_path: Path) -> None:
    visitor = tmp_path / "visitor.py"
    visitor.write_text(VISITOR)
    environment = {
        **os.environ, "API_URL": served.url, "XDG_STATE_HOME": str(tmp_path), "OPERATOR_TOKEN": "",
        "BROWSER": f"{sys.executable} {visitor} %s",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "cli", "login", "--browser"], cwd=ROOT, env=environment, text=True, timeout=60,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ada@zephyr.example is owner in zephyr." in done.stdout
    assert SECRET not in done.stdout + done.stderr and CODE not in done.stderr
    assert kept(tmp_path)["access_token"] == access(2), "who it is comes with the first renewal"
