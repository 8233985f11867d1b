"""What a replica knows of signing keys and of tokens that no longer count.

It is read from PostgreSQL every second, at once when Redis hints that something was revoked, and by whoever revokes
something here. A hint that is lost costs a second, a database that is away costs everybody's access after five.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from database import denylist, signing_keys
from database.errors import DatabaseError
from database.pool import Database
from service.identity.keys import PublishedKey

log = logging.getLogger("service.identity")
ALLOWED = 5.0  # seconds that a view may be old
_EVERY, _ALL_EVERY = 1.0, 60.0  # seconds


class View:
    """Keys by `kid` and the denylist, in memory. `database` is the platform's; `clock` counts seconds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._clock = database, clock
        self._keys: dict[str, PublishedKey] = {}
        self._revoked: set[str] = set()
        self._read_at, self._all_at = float("-inf"), float("-inf")
        self._lock, self._hinted = asyncio.Lock(), asyncio.Event()
        self.seen = 0

    @property
    def fresh(self) -> bool:
        """Whether it was read within the last 5 seconds."""
        return self._clock() - self._read_at < ALLOWED

    @property
    def keys(self) -> Mapping[str, PublishedKey]:
        """The published keys by `kid`, the newest first."""
        return self._keys

    def is_revoked(self, jti: str) -> bool:
        """Whether the token is on the denylist."""
        return jti in self._revoked

    def hint(self, version: int) -> None:
        """The denylist has reached that number: read soon, unless that was seen."""
        if version > self.seen:
            self._hinted.set()

    async def run(self) -> None:
        """Read every second and upon hints, until cancelled."""
        was_away = False
        while True:
            self._hinted.clear()
            try:
                async with asyncio.timeout(ALLOWED):
                    await self.read_now()
                was_away = False
            except (DatabaseError, TimeoutError) as error:
                if not was_away:
                    log.warning("the denylist cannot be read, soon nobody is let in: %s", error)
                was_away = True
            await self._pause()

    async def read_now(self) -> None:
        """Return once a reading that began after this call has ended. Raise DatabaseError."""
        async with self._lock:
            began = self._clock()
            everything = began - self._all_at >= _ALL_EVERY
            async with self._database.statement() as connection:
                head, revoked = await denylist.newer(connection, 0 if everything else self.seen)
                if head < self.seen and not everything:  # a restore brought an older denylist back
                    everything = True
                    head, revoked = await denylist.newer(connection, 0)
                rows = await signing_keys.published(connection)
            if everything:
                self._revoked = set(revoked)
            else:
                self._revoked.update(revoked)
            self._keys = {row.kid: PublishedKey.of(row, self._keys.get(row.kid)) for row in rows}
            self.seen, self._read_at = head, began
            self._all_at = began if everything else self._all_at

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_EVERY):
                await self._hinted.wait()
        except TimeoutError:
            return
