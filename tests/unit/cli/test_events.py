"""Following an operation: nothing missed, nothing told twice, whatever breaks."""

import json
from collections.abc import Callable

import httpx2
import pytest

from cli.answers import Operation, Step
from cli.api import Api
from cli.connection import Connection
from cli.errors import BadAnswer, Refused, Unavailable
from cli.events import PATIENCE, Follower
from cli.settings import Settings
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi, end, step

DONE = {"id": "op-1", "kind": "signup", "slug": "zephyr", "state": "COMMITTED"}
PENDING = {**DONE, "state": "PENDING"}
EVENTS = "GET /v1/operations/op-1/events"
Handler = Callable[[httpx2.Request], httpx2.Response]


class Following:
    """A follower over a transport in memory, and what it told."""

    def __init__(self, handler: Handler) -> None:
        self.steps: list[Step] = []
        self.said: list[str] = []
        self.slept: list[float] = []
        transport = httpx2.MockTransport(handler)
        connection = Connection(Settings("http://127.0.0.1:9", "t"), wait=False, say=print, transport=transport)
        self.follower = Follower(
            Api(connection),
            "op-1",
            token=None,
            on_step=self.steps.append,
            say=self.said.append,
            sleep=self.slept.append,
        )

    def run(self) -> Operation:
        return self.follower.run()


def stream(*events: str) -> httpx2.Response:
    return httpx2.Response(200, text="".join(events), headers={"Content-Type": "text/event-stream"})


def test_a_broken_connection_is_taken_up_after_the_last_event(api: FakeApi, run: Run) -> None:
    api.streams("op-1", "retry: 1\n\n", step(1, "reserved"), step(2, "engine")).streams(
        "op-1", step(3, "gate"), end(DONE)
    )
    api.on("GET /v1/operations/op-1", 200, PENDING)
    result = run("watch", "op-1")
    assert result.exit_code == 0
    connections = [asked for asked in api.asked if asked.call == EVENTS]
    assert [asked.headers.get("Last-Event-ID") for asked in connections] == [None, "2"]
    for name in ("reserved", "engine", "gate"):
        assert result.stderr.count(f" {name}\n") == 1


def test_events_that_are_sent_again_are_told_once() -> None:
    answers = iter([stream(step(1, "a"), step(2, "b")), httpx2.Response(200, json=PENDING),
                    stream(step(1, "a"), step(2, "b"), step(3, "c"), end(DONE))])  # fmt: skip
    following = Following(lambda _: next(answers))
    assert following.run().state == "COMMITTED"
    assert [told.step for told in following.steps] == ["a", "b", "c"]


def test_half_an_event_is_no_event() -> None:
    answers = iter([stream(step(1, "a"), 'id: 2\nevent: end\ndata: {"id"'), httpx2.Response(200, json=PENDING),
                    stream(step(2, "b"), end(DONE))])  # fmt: skip
    following = Following(lambda _: next(answers))
    following.run()
    assert [told.step for told in following.steps] == ["a", "b"]


def test_a_stream_that_just_ends_is_not_believed_and_the_operation_is_asked() -> None:
    steps = [{"step": "a", "detail": None, "at": "t"}, {"step": "b", "detail": None, "at": "t"}]
    answers = iter([stream(step(1, "a")), httpx2.Response(200, json={**DONE, "steps": steps})])
    following = Following(lambda _: next(answers))
    assert following.run().ended
    assert [told.step for told in following.steps] == ["a", "b"], "the step that the stream did not carry is told too"


def test_an_api_that_comes_back_is_waited_for() -> None:
    answers: list[httpx2.Response | Exception] = [
        httpx2.ConnectError("refused"), httpx2.Response(503, json={"title": "Draining"}), stream(end(DONE)),
    ]  # fmt: skip

    def handler(_: httpx2.Request) -> httpx2.Response:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    following = Following(handler)
    assert following.run().ended
    assert len(following.said) == 1, "one sentence for one outage"
    assert following.slept == sorted(following.slept), "each pause is longer than the one before"


def test_an_api_that_stays_away_is_given_up_and_the_way_back_is_named() -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    following = Following(handler)
    with pytest.raises(Unavailable, match="goes on without us") as given_up:
        following.run()
    assert "python -m cli watch op-1" in given_up.value.next_step
    assert len(following.slept) == PATIENCE


def test_an_operation_that_is_not_ours_to_see_is_refused_at_once() -> None:
    following = Following(lambda _: httpx2.Response(404, json={"title": "No such operation"}))
    with pytest.raises(Refused):
        following.run()
    assert not following.slept


def test_what_is_no_event_stream_is_said_to_be_none() -> None:
    following = Following(lambda _: httpx2.Response(200, text="<html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(BadAnswer):
        following.run()


def test_watch_ends_with_1_for_a_failed_operation_and_prints_it_for_scripts(api: FakeApi, run: Run) -> None:
    failed = {**DONE, "state": "FAILED", "problem": {"title": "Timed out"}}
    api.streams("op-1", end(failed)).on("GET /v1/operations/op-1", 200, failed)
    result = run("watch", "op-1", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == failed
    assert "Timed out" in result.stderr
