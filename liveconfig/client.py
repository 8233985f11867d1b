"""The clients: `LiveConfig` for threads, `AsyncLiveConfig` for an event loop of one's own."""

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Mapping
from typing import Any, Self

from liveconfig.core import Core
from liveconfig.health import Status
from liveconfig.reader import Reader
from liveconfig.settings import Settings
from liveconfig.sources import Source, keep_following, source_of

_CLOSE_SECONDS = 2.0


class LiveConfig(Reader):
    """Live configuration, kept by a daemon thread. Make one a process, early; it works over forks.

    Raise NotConfigured if a setting is missing or wrong. Nothing that is away makes it raise or wait.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(Core(settings))
        self._following: _Thread | None = _Thread(self._core, source_of(self._core))
        _alive.add(self)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """With the settings of the environment (`liveconfig.settings.VARIABLES`)."""
        return cls(Settings.of(environment))

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until it is READY, at most so many seconds; whether it is."""
        ready = threading.Event()
        end = self.on_health(lambda health: ready.set() if health.status == Status.READY else None)
        try:
            return self.health.status == Status.READY or ready.wait(timeout)
        finally:
            end()

    def close(self) -> None:
        """End the thread and its connections; what was read stays readable."""
        following, self._following = self._following, None
        if following is not None:
            following.end()
            self._core.save()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _forked(self) -> None:
        if self._following is not None:
            _inherited.append(self._following)
            self._core.forked()
            self._following = _Thread(self._core, source_of(self._core))


class AsyncLiveConfig(Reader):
    """Live configuration on the running event loop. Use as an async context manager, or call `start` and `close`.

    Raise NotConfigured if a setting is missing or wrong. Nothing that is away makes it raise or wait.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(Core(settings))
        self._source = source_of(self._core)
        self._following: asyncio.Task[None] | None = None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """With the settings of the environment (`liveconfig.settings.VARIABLES`)."""
        return cls(Settings.of(environment))

    async def start(self) -> None:
        """Begin to follow."""
        if self._following is None:
            self._following = asyncio.create_task(keep_following(self._core, self._source), name="liveconfig")

    async def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until it is READY, at most so many seconds; whether it is."""
        ready = asyncio.Event()
        end = self.on_health(lambda health: ready.set() if health.status == Status.READY else None)
        try:
            if self.health.status != Status.READY:
                await asyncio.wait_for(ready.wait(), timeout)
        except TimeoutError:
            return False
        finally:
            end()
        return True

    async def close(self) -> None:
        """End what follows, and its connections; what was read stays readable."""
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            self._core.save()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Thread:
    """A daemon thread with an event loop, on which a source runs."""

    def __init__(self, core: Core, source: Source) -> None:
        self._core, self._source = core, source
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="liveconfig", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End it, and wait for that."""
        if self._begun.wait(_CLOSE_SECONDS) and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._begun.set()
        following = asyncio.create_task(keep_following(self._core, self._source))
        await self._stop.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


_alive: "weakref.WeakSet[LiveConfig]" = weakref.WeakSet()
#: Of the parent process: never closed here, for that would end its connections there.
_inherited: list[Any] = []


def _after_fork() -> None:
    for config in list(_alive):
        config._forked()


def _close_all() -> None:
    for config in list(_alive):
        config.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_close_all)
