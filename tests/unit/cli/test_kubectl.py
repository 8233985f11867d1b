"""What kubectl gets: a credential on standard output, or the reason on standard error and exit code 1."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from cli.connection import Connection
from cli.identity.answers import Tokens
from cli.identity.api import IdentityApi
from cli.identity.keeper import Keeper
from cli.identity.kubectl import Credentials
from cli.settings import Settings
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi
from tests.unit.cli.people import ADA, ENDED, REFRESH, SECRET, access, session_files, tokens

EXCHANGE, CONFIG = "POST /v1/auth/kubernetes", "GET /v1/organizations/zephyr/kubeconfig"
NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)


def given(number: int, *, expires: datetime) -> dict[str, str]:
    return {"token": f"{SECRET}cluster-{number}", "expires_at": expires.isoformat().replace("+00:00", "Z")}


def test_a_credential_is_printed_as_kubectl_wants_it_and_nothing_else(
    api: FakeApi, person: Run, tmp_path: Path
) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=600)
    api.on(EXCHANGE, 200, given(1, expires=expires))
    result = person("token", shows_secrets=True)
    assert result.exit_code == 0 and result.stderr == ""
    assert json.loads(result.stdout) == {
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": f"{SECRET}cluster-1", "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }  # fmt: skip
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in session_files(tmp_path))


class Asks:
    """kubectl at a time, as a process, before an API that gives another token each time and `refuses` what it lists."""

    def __init__(self, state: Path) -> None:
        self.exchanges, self.now, self.away = 0, NOW.timestamp(), False
        self.refuses: set[str] = set()
        settings = Settings("http://127.0.0.1:9", "", state=state)
        connection = Connection(settings, wait=False, say=print, transport=httpx2.MockTransport(self._answer))
        api = IdentityApi(connection)
        keeper = Keeper(settings, api, lambda *_: None, lambda: self.now)
        connection.act_as(keeper)
        keeper.keep(Tokens.model_validate(tokens(1)))
        self._credentials = Credentials(api, keeper, lambda: self.now)

    def __call__(self, process: int) -> str:
        return self._credentials.current(process).token[-1]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            raise httpx2.ConnectError("refused")
        if request.url.path.endswith("/refresh"):
            return httpx2.Response(200, json=tokens(2))
        if request.headers["Authorization"].removeprefix("Bearer ") in self.refuses:
            return httpx2.Response(401, json={"title": "The caller is not known"})
        if request.url.path.endswith("/me"):
            return httpx2.Response(200, json={"user": {"id": "u-1", "email": ADA}})
        self.exchanges += 1
        return httpx2.Response(200, json=given(self.exchanges, expires=datetime.fromtimestamp(self.now + 600, UTC)))


@pytest.fixture
def asks(tmp_path: Path) -> Asks:
    return Asks(tmp_path)


def test_a_credential_serves_every_kubectl_until_a_minute_before_its_end(asks: Asks) -> None:
    assert [asks(1), asks(2), asks(3)] == ["1", "1", "1"]
    asks.now += 539
    assert asks(4) == "1"
    asks.now += 2
    assert asks(5) == "2"


def test_one_kubectl_that_asks_twice_was_refused_and_gets_another(asks: Asks) -> None:
    assert [asks(1), asks(2), asks(2), asks(3)] == ["1", "1", "2", "2"]


def test_what_ended_the_access_token_has_ended_the_credential_too(asks: Asks) -> None:
    assert asks(1) == "1"
    asks.refuses = {access(1)}
    assert asks(2) == "2", "after a change of role kubectl works at once, and not after it was refused"
    assert asks(3) == "2"


def test_an_api_that_is_away_does_not_keep_kubectl_from_what_is_there(asks: Asks) -> None:
    asks(1)
    asks.away = True
    assert asks(2) == "1"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "Nobody is logged in"),
        ({"API_URL": None}, "API_URL is not set"),
        ({"AGENT_READY_AS": "x"}, "AGENT_READY_AS"),
    ],
)
def test_whatever_is_wrong_ends_with_1_and_prints_no_credential(
    run: Run, environment: dict[str, str | None], said: str
) -> None:
    result = run("token", **environment)
    assert result.exit_code == 1 and said in result.stderr and result.stdout == ""


def test_a_session_that_has_ended_ends_with_1_and_says_log_in(api: FakeApi, person: Run) -> None:
    api.on(EXCHANGE, 401, {"title": "The caller is not known"}).on(REFRESH, 401, ENDED)
    result = person("token")
    assert result.exit_code == 1 and "python -m cli login" in result.stderr and result.stdout == ""


def test_a_log_out_takes_the_credential_along(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on(EXCHANGE, 200, given(1, expires=datetime.now(UTC) + timedelta(seconds=600))).on("POST /v1/auth/logout", 204)
    person("token", shows_secrets=True)
    assert len(session_files(tmp_path)) == 2
    person("logout")
    assert session_files(tmp_path) == []


def test_a_kubeconfig_is_printed_or_written_for_its_owner_alone(api: FakeApi, person: Run, tmp_path: Path) -> None:
    api.on(CONFIG, 200, "apiVersion: v1\n", Content_Type="application/yaml")
    file = tmp_path / "zephyr"
    assert person("kubeconfig", "zephyr").stdout == "apiVersion: v1\n"
    assert person("kubeconfig", "zephyr", "--output", str(file)).exit_code == 0
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("apiVersion: v1\n", 0o600)


def test_a_kubeconfig_that_is_another_is_replaced_only_if_that_was_said(
    api: FakeApi, person: Run, tmp_path: Path
) -> None:
    api.on(CONFIG, 200, "apiVersion: v1\n", Content_Type="application/yaml")
    file = tmp_path / "config"
    write = ("kubeconfig", "zephyr", "-o", os.fspath(file))
    assert person(*write).exit_code == 0
    assert person(*write).exit_code == 0, "the same again is no loss"
    file.write_text("kind: Config of somebody else\n")
    refused = person(*write)
    assert refused.exit_code == 2 and "--force" in refused.stderr
    assert file.read_text() == "kind: Config of somebody else\n"
    assert person(*write, "--force").exit_code == 0
    assert file.read_text() == "apiVersion: v1\n"
