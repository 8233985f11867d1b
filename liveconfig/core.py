"""What both clients are inside: the view in force, who wants to hear of changes, and how it moves."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from liveconfig.files import Cache, bootstrap_values
from liveconfig.health import STARTING, Health, Status
from liveconfig.measures import Measures
from liveconfig.models import Models
from liveconfig.settings import Settings
from liveconfig.snapshot import Snapshot, State
from liveconfig.view import Reason, View

log = logging.getLogger("liveconfig")
T = TypeVar("T")
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Changed:
    """A setting whose value in force is another; None: nobody sets it now, or nobody did."""

    name: str
    value: Any
    previous: Any
    version: int


Callback = Callable[[Changed], None]


class Core:
    """Reading is from any thread; `advance` and `say`, the sink of what follows, are called from one."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.measures = settings, Measures(settings.organization)
        self.health = STARTING
        self._health_callbacks: list[Callable[[Health], None]] = []
        self._cache = Cache(settings.cache, settings.organization)
        self._saved = 0.0
        self._models = Models(self.measures.invalid)
        self._callbacks: list[tuple[str, Callback]] = []
        self._overrides: list[Mapping[str, Any]] = []
        self._moving = threading.RLock()  # between a state and a test's override; readers take no lock
        self._bootstrap = bootstrap_values(settings.bootstrap) if settings.bootstrap else {}
        self._snapshot = Snapshot(settings.organization, self._cache.load())
        self.view = self._viewed(None)
        if self._held_anything:
            self.health = Health(Status.STALE, STARTING.reason)

    @property
    def held(self) -> Snapshot:
        """What was received."""
        return self._snapshot

    def on_change(self, name: str, callback: Callback) -> Callable[[], None]:
        """Call back after a change of `service/key`, or of any key of `service`; the answer ends that."""
        wanted = (name, callback)
        self._callbacks.append(wanted)
        return lambda: self._callbacks.remove(wanted) if wanted in self._callbacks else None

    def on_health(self, callback: Callable[[Health], None]) -> Callable[[], None]:
        """Call back when the health changes; the answer ends that."""
        self._health_callbacks.append(callback)
        return lambda: self._health_callbacks.remove(callback) if callback in self._health_callbacks else None

    @contextmanager
    def override(self, values: Mapping[str, Any]) -> Iterator[None]:
        """These values are in force within the context, whatever arrives, in all threads."""
        given = dict(values)
        self._override(self._overrides.append, given)
        try:
            yield
        finally:
            self._override(self._overrides.remove, given)

    def advance(self, state: State, seconds: float | None) -> None:
        """Move forward. Raise Gap if something in between is missing."""
        started = time.perf_counter()
        with self._moving:
            snapshot = self._snapshot.advance(state)
            if snapshot is self._snapshot:
                return
            names = state.names if snapshot.epoch == self._snapshot.epoch else None
            self._snapshot = snapshot
            previous, self.view = self.view, self._viewed(self.view)
        if seconds is not None:
            self.measures.applied(seconds + time.perf_counter() - started)
        self.measures.versions(snapshot)
        self._tell(previous, self.view, names)
        self._save()

    def say(self, health: Health) -> None:
        """The health of what follows. What was loaded before makes a NOT_READY a STALE."""
        if health.status == Status.NOT_READY and self._held_anything:
            health = Health(Status.STALE, health.reason)
        if health != self.health:
            self.health = health
            self.measures.stale(health.status != Status.READY)
            for callback in list(self._health_callbacks):
                self._call(callback, health)

    def save(self) -> None:
        """Keep what is held for the next start."""
        self._cache.save(self._snapshot.layers)

    def forked(self) -> None:
        """In a child process: nothing follows any more, and a lock may be held by a thread that is not there."""
        self._moving = threading.RLock()
        self.view = self._viewed(self.view)
        self.health = Health(Status.STALE if self._held_anything else Status.NOT_READY, "the process was forked")

    @property
    def _held_anything(self) -> bool:
        return bool(self._bootstrap or self._snapshot.epoch)

    def _save(self) -> None:
        """At most once a second; the rest is kept on closing."""
        if self.settings.cache and time.monotonic() > self._saved + 1.0:
            self.save()
            self._saved = time.monotonic()

    def _override(self, change: Callable[[Mapping[str, Any]], None], given: Mapping[str, Any]) -> None:
        with self._moving:
            change(given)
            previous, self.view = self.view, self._viewed(self.view)
        self._tell(previous, self.view)

    def _viewed(self, previous: View | None) -> View:
        extra, reason = _NOTHING, Reason.OVERRIDE
        if not self._snapshot.epoch:
            extra, reason = self._bootstrap, Reason.BOOTSTRAP
        for given in self._overrides:
            extra, reason = {**extra, **given}, Reason.OVERRIDE
        return View(
            self._snapshot, self._models, extra=extra, extra_reason=reason, is_stale=self._is_stale,
            mismatched=self.measures.invalid, previous=previous,
        )  # fmt: skip

    def _is_stale(self) -> bool:
        return self.health.status != Status.READY

    def _tell(self, previous: View, view: View, names: Iterable[str] | None = None) -> None:
        """Call back about those of these settings, or of all, that are another."""
        if not self._callbacks:
            return
        for name in previous.values.keys() | view.values.keys() if names is None else names:
            old, new = previous.values.get(name), view.values.get(name)
            if old != new or type(old) is not type(new):
                change = Changed(name, new, old, view.version(name))
                for wanted, callback in list(self._callbacks):
                    if wanted in (name, name.partition("/")[0]):
                        self._call(callback, change)

    @staticmethod
    def _call(callback: Callable[[T], None], said: T) -> None:
        try:
            callback(said)
        except Exception:  # whatever it raises is its own, and must not end what follows
            log.exception("a callback failed")
