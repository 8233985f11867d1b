"""The session that is kept: renewed in time, once for all, and gone when the API says so."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from time import sleep

import httpx2
import pytest

from cli.connection import Connection
from cli.errors import Misused, Refused, Unreachable
from cli.identity.answers import Tokens
from cli.identity.api import IdentityApi
from cli.identity.keeper import Keeper
from cli.settings import Settings
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi, end
from tests.unit.cli.people import ADA, ENDED, REFRESH, UNKNOWN, access, bearers, kept, refresh, session_files, tokens

MEMBERS = "GET /v1/organizations/zephyr/members"
LIST = ("members", "list", "zephyr")
Handler = Callable[[httpx2.Request], httpx2.Response]


class Clock:
    """Seconds since 1970, as a test says."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def keeper(state: Path, handler: Handler, clock: Clock) -> Keeper:
    """One process's; what the API answers to a renewal is the handler's."""
    settings = Settings("http://127.0.0.1:9", "", state=state / "agent-ready")
    transport = httpx2.MockTransport(handler)
    connection = Connection(settings, wait=False, say=print, transport=transport)
    return Keeper(settings, IdentityApi(connection), lambda *_: None, clock)


def gives(*answers: Tokens | int | Exception) -> Handler:
    """These, one after the other; a number is the status of a refusal."""
    left = list(answers)

    def handler(_: httpx2.Request) -> httpx2.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            return httpx2.Response(answer, json=ENDED if answer == 401 else {"title": "No"})
        return httpx2.Response(200, json=tokens(int(answer.access_token[-1])))

    return handler


def granted(number: int) -> Tokens:
    return Tokens.model_validate(tokens(number))


def test_a_token_is_used_until_a_minute_before_its_end_and_then_renewed(tmp_path: Path) -> None:
    clock = Clock()
    kept_by = keeper(tmp_path, gives(granted(2)), clock)
    kept_by.keep(granted(1))
    clock.now += 3539
    assert kept_by.token() == access(1)
    clock.now += 2
    assert kept_by.token() == access(2)
    assert kept(tmp_path)["refresh_token"] == refresh(2), "the one before may be used once only"


def test_whoever_needs_a_renewal_at_once_with_others_shares_one(tmp_path: Path) -> None:
    clock, asked, together = Clock(), [], Barrier(8)

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        sleep(0.05)  # the others are at the lock by now
        return httpx2.Response(200, json=tokens(2))

    keeper(tmp_path, handler, clock).keep(granted(1))
    clock.now += 3600

    def one(_: int) -> str:
        own = keeper(tmp_path, handler, clock)
        together.wait()
        return own.token()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(8))) == {access(2)}
    assert len(asked) == 1, "a second use of a refresh token would end the session"


def test_a_lost_answer_is_asked_for_again_at_once(tmp_path: Path) -> None:
    clock = Clock()
    kept_by = keeper(tmp_path, gives(httpx2.ReadError("broken"), granted(2)), clock)
    kept_by.keep(granted(1))
    clock.now += 3600
    assert kept_by.token() == access(2)


def test_ctrl_c_in_the_middle_waits_until_the_next_token_is_written_down(tmp_path: Path) -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        signal.raise_signal(signal.SIGINT)
        return httpx2.Response(200, json=tokens(2))

    clock = Clock()
    kept_by = keeper(tmp_path, handler, clock)
    kept_by.keep(granted(1))
    clock.now += 3600
    with pytest.raises(KeyboardInterrupt):
        kept_by.token()
    assert kept(tmp_path)["refresh_token"] == refresh(2), "the one before has been used"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it waited")

    clock = Clock()
    kept_by = keeper(tmp_path, handler, clock)
    kept_by.keep(granted(1))
    with pytest.raises(KeyboardInterrupt):
        kept_by.switch("acme")
    assert kept(tmp_path)["refresh_token"] == refresh(1)


def test_an_api_that_is_away_costs_nobody_the_session(tmp_path: Path) -> None:
    clock = Clock()
    kept_by = keeper(tmp_path, gives(*[httpx2.ConnectError("refused")] * 2, granted(2)), clock)
    kept_by.keep(granted(1))
    clock.now += 3600
    with pytest.raises(Unreachable):
        kept_by.token()
    assert kept_by.token() == access(2)


def test_a_session_that_has_ended_is_forgotten_and_the_way_back_is_named(tmp_path: Path) -> None:
    clock = Clock()
    kept_by = keeper(tmp_path, gives(401), clock)
    kept_by.keep(granted(1))
    clock.now += 3600
    with pytest.raises(Refused) as ended:
        kept_by.token()
    assert ended.value.next_step == f"Log in again: python -m cli login {ADA}"
    assert session_files(tmp_path) == []


def test_a_file_that_holds_no_session_is_told_from_none(tmp_path: Path) -> None:
    kept_by = keeper(tmp_path, gives(), Clock())
    with pytest.raises(Misused, match="Nobody is logged in"):
        kept_by.token()
    kept_by.keep(granted(1))
    session_files(tmp_path)[0].write_text('{"access_token": "hidden-half')
    with pytest.raises(Misused, match="holds no session") as broken:
        kept_by.token()
    assert "hidden" not in str(broken.value)


def test_a_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "agent-ready"
    folder.mkdir(mode=0o755)
    keeper(tmp_path, gives(), Clock()).keep(granted(1))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_tokens_are_in_no_repr() -> None:
    assert "hidden" not in repr(granted(1))


def test_a_token_that_counts_no_more_is_renewed_and_the_call_made_once_again(api: FakeApi, person: Run) -> None:
    api.on(MEMBERS, 401, UNKNOWN).on(MEMBERS, 200, {"items": []}).on(REFRESH, 200, tokens(2))
    assert person(*LIST).exit_code == 0
    assert bearers(api, MEMBERS) == [access(1), access(2)], "a role that changes ends the token and not the session"


def test_a_refusal_that_a_new_token_does_not_change_is_told(api: FakeApi, person: Run) -> None:
    api.on(MEMBERS, 401, UNKNOWN).on(REFRESH, 200, tokens(2))
    result = person(*LIST)
    assert result.exit_code == 3 and "python -m cli login" in result.stderr
    assert api.calls().count(MEMBERS) == 2


def test_a_session_that_has_ended_says_log_in(api: FakeApi, person: Run) -> None:
    api.on(MEMBERS, 401, UNKNOWN).on(REFRESH, 401, ENDED)
    result = person(*LIST)
    assert result.exit_code == 3 and f"python -m cli login {ADA}" in result.stderr
    assert person(*LIST).exit_code == 2, "now nobody is logged in"


def test_events_go_on_with_a_new_token_when_the_change_itself_ended_the_one_before(api: FakeApi, person: Run) -> None:
    ended = end({"id": "op-1", "kind": "change", "slug": "zephyr", "state": "COMMITTED",
                 "answer": {"slug": "zephyr", "changed": ["members"], "operation_id": "op-1"}})  # fmt: skip
    api.on("POST /v1/organizations/zephyr/members/transfer", 202, {"operation_id": "op-1"})
    events = "GET /v1/operations/op-1/events"
    api.on(events, 401, UNKNOWN).streams("op-1", ended).on(REFRESH, 200, tokens(2))
    result = person("members", "transfer", "zephyr", "bob@zephyr.example", "--reason", "retires")
    assert result.exit_code == 0, result.stderr
    assert bearers(api, events) == [access(1), access(2)]


def test_another_organizations_name_leads_to_ones_own(api: FakeApi, person: Run) -> None:
    unknown = {"type": "https://agent-ready.io/problems/no-such-organization", "title": "No such organization"}
    api.on(MEMBERS, 404, unknown)
    assert "python -m cli switch SLUG" in person(*LIST).stderr


def test_what_a_role_does_not_allow_leads_to_what_it_does(api: FakeApi, person: Run) -> None:
    api.on(MEMBERS, 403, {"title": "Forbidden"})
    result = person(*LIST)
    assert result.exit_code == 3 and "python -m cli whoami" in result.stderr
