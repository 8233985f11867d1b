"""Hints after a commit: nobody waits for them, what comes together goes together, and what fails is the sweeper's."""

import asyncio
import threading
import time
from collections.abc import Iterable

import pytest

from database import configs
from database.configs import ConfigVersion
from liveconfig.wire import Hint
from service.services import Services
from tests.unit.service.test_app import services
from tests.unit.service.test_sweeper import FakePublisher


class Slow(FakePublisher):
    """Waits at the first publish; `batches` are what went out together."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.batches = threading.Event(), list[int]()

    def publish(self, hints: Iterable[Hint]) -> int:
        self.go.wait(5)
        self.batches.append(super().publish(hints))
        return self.batches[-1]


def with_publisher(publisher: FakePublisher) -> Services:
    made = services()
    object.__setattr__(made, "publisher", publisher)
    return made


def changed(version: int) -> list[ConfigVersion]:
    return [ConfigVersion(1, "ai", "x", version)]


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []

    async def mark(_: object, sent: list[ConfigVersion]) -> None:
        found.extend(one.version for one in sent)

    monkeypatch.setattr(configs, "mark_sent", mark)
    return found


def test_whoever_announces_waits_for_nothing_and_what_comes_meanwhile_goes_together(marked: list[int]) -> None:
    publisher = Slow()
    made = with_publisher(publisher)

    async def run() -> None:
        began = time.monotonic()
        made.announce(changed(1))
        await asyncio.sleep(0.05)
        for version in range(2, 12):
            made.announce(changed(version))
        assert time.monotonic() - began < 1, "Redis does not answer, and nobody notices"
        publisher.go.set()
        assert await made.work.drain(5)

    asyncio.run(run())
    assert publisher.batches == [1, 10]
    assert [hint.version for hint in publisher.published] == marked == list(range(1, 12)), "in order, and marked"


def test_what_cannot_be_sent_is_not_marked_and_the_next_one_is_sent_all_the_same(marked: list[int]) -> None:
    publisher = FakePublisher(fails=1)
    made = with_publisher(publisher)

    async def run() -> None:
        for version in (1, 2):
            made.announce(changed(version))
            assert await made.work.drain(5)

    asyncio.run(run())
    assert [hint.version for hint in publisher.published] == marked == [2], "the first one is the sweeper's"
