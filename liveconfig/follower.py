"""Following organizations' settings, the one algorithm of pods and relays: Redis hints, PostgreSQL decides.

Subscribe, then load everything, then drain what was heard meanwhile. Hints that come while a reading runs share the
next one; hints of versions that are held are passed by. After each reconnect, of either, and every few minutes
everything is compared. Whatever is away only makes what is held STALE; both are tried again for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from liveconfig.errors import Gap, HintsAway, StoreAway
from liveconfig.health import READY, STARTING, Health, Status
from liveconfig.pace import Backoff, Pace
from liveconfig.snapshot import Layers, State
from liveconfig.wire import Hint


class Store(Protocol):
    """Where the truth is read."""

    async def newer(self, epoch: int, revisions: Mapping[int, int]) -> State:
        """All that is newer than these revisions, by organization, of that epoch. Raise StoreAway."""


class Hints(Protocol):
    """Where it is said that something is newer."""

    def listening(self) -> AbstractAsyncContextManager[AsyncIterator[Hint]]:
        """Subscribed within the context, from its first moment on. It and its iterator raise HintsAway."""


class Sink(Protocol):
    """Who is told."""

    def advance(self, state: State, seconds: float | None) -> None:
        """Something is newer, and was first heard of that long ago; None: nobody told, it was found."""

    def say(self, health: Health) -> None:
        """The health changed."""


class Follower:
    """Follows some organizations until `run` is cancelled. Everything happens on one event loop.

    `layers` is what is held at the start, of a cache for instance. `queries` counts readings, `passed_by` hints of
    versions that were held.
    """

    def __init__(
        self, store: Store, hints: Hints, sink: Sink, organizations: Iterable[int], *,
        pace: Pace | None = None, layers: Layers | None = None,
    ) -> None:  # fmt: skip
        self._store, self._hints, self._sink = store, hints, sink
        self._pace = pace or Pace()
        self.layers, self.health = layers or Layers(), STARTING
        self.queries, self.passed_by = 0, 0
        self._followed, self._asked = set(organizations), set[int]()
        self._heard: list[Hint] = []
        self._first_heard: float | None = None
        self._wake = asyncio.Event()
        self._loaded = False
        self._deaf, self._blind = "", ""  # why hints, and readings, do not come

    async def run(self) -> None:
        """Follow."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="hints")
            group.create_task(self._read(), name="readings")
            group.create_task(self._reconcile(), name="reconcile")

    def follow(self, org_id: int) -> None:
        """Follow one more organization; its whole state reaches the sink."""
        self._followed.add(org_id)
        self._asked.add(org_id)
        self._wake.set()

    def unfollow(self, org_id: int) -> None:
        """Follow it no longer, and forget it."""
        self._followed.discard(org_id)
        self.layers = self.layers.without(org_id)

    def compare(self) -> None:
        """Compare everything with the database, as soon as possible."""
        self._asked |= self._followed
        self._wake.set()

    async def _listen(self) -> None:
        backoff = Backoff(self._pace)
        while True:
            try:
                async with self._hints.listening() as hints:
                    backoff.reset()
                    self._deaf = ""
                    self.compare()
                    async for hint in hints:
                        self._hear(hint)
            except HintsAway as error:
                self._deaf = str(error)
                if not self._loaded:
                    self.compare()
                self._say()
            await asyncio.sleep(backoff.next())

    async def _read(self) -> None:
        backoff = Backoff(self._pace)
        while True:
            await self._wake.wait()
            self._wake.clear()
            wanted, heard = self._wanted()
            if not wanted:
                continue
            try:
                await self._fetch(wanted, heard)
            except StoreAway as error:
                self._blind = str(error)
                self._say()
                await asyncio.sleep(backoff.next())
                self.compare()
            else:
                backoff.reset()

    async def _reconcile(self) -> None:
        while True:
            await asyncio.sleep(self._pace.until_reconcile())
            self.compare()

    def _hear(self, hint: Hint) -> None:
        if hint.org_id not in self._followed:
            return
        if self.layers.knows(hint.org_id, f"{hint.service}/{hint.key}", hint.version):
            self.passed_by += 1
            return
        if self._first_heard is None:
            self._first_heard = asyncio.get_running_loop().time()
        self._heard.append(hint)
        self._wake.set()

    def _wanted(self) -> tuple[set[int], float | None]:
        """Which organizations to read now, and when the first hint of it was heard."""
        still = {
            hint.org_id for hint in self._heard
            if not self.layers.knows(hint.org_id, f"{hint.service}/{hint.key}", hint.version)
        }  # fmt: skip
        wanted, heard = (self._asked | still) & self._followed, self._first_heard if still else None
        self._asked, self._heard, self._first_heard = set(), [], None
        return wanted, heard

    async def _fetch(self, wanted: set[int], heard: float | None) -> None:
        self.queries += 1
        state = await self._store.newer(self.layers.epoch, {org: self.layers.revision(org) for org in wanted})
        if state.epoch < self.layers.epoch:
            raise StoreAway(f"the database that answers is of an older epoch, {state.epoch}")
        state = State(state.epoch, tuple(change for change in state.changes if change.org_id in self._followed))
        try:
            layers = self.layers.advance(state)
        except Gap:  # another epoch: everything, in one reading
            self.compare()
            return
        self._loaded, self._blind = True, ""
        self._apply(layers, state, heard)
        self._say()

    def _apply(self, layers: Layers, state: State, heard: float | None) -> None:
        before, self.layers = self.layers, layers
        moved = tuple(
            change for change in state.changes
            if layers.epoch != before.epoch or layers.by_org[change.org_id] is not before.by_org.get(change.org_id)
        )  # fmt: skip
        if moved:
            seconds = None if heard is None else asyncio.get_running_loop().time() - heard
            self._sink.advance(State(state.epoch, moved), seconds)

    def _say(self) -> None:
        problem = self._blind or self._deaf
        if not self._loaded:
            health = Health(Status.NOT_READY, problem or STARTING.reason)
        else:
            health = Health(Status.STALE, problem) if problem else READY
        if health != self.health:
            self.health = health
            self._sink.say(health)
