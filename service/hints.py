"""Hints of what this process has committed: sent at once, together what comes together, marked as sent afterwards.

Whoever writes a setting waits for none of it. What cannot be sent now is left to the sweeper: the outbox has it.
"""

import asyncio
import logging
from collections.abc import Sequence

import redis

from database import configs
from database.configs import ConfigVersion
from database.errors import DatabaseError
from database.pool import Database
from liveconfig.publisher import Publisher
from liveconfig.wire import Hint

log = logging.getLogger("service")


class Hints:
    """What waits to be sent. Safe in one event loop."""

    def __init__(self) -> None:
        self._waiting: list[ConfigVersion] = []
        self._is_sending = False

    def add(self, changes: Sequence[ConfigVersion]) -> bool:
        """Have them sent; whether the caller has to start `send`, because nobody else is at it."""
        self._waiting += changes
        starts, self._is_sending = not self._is_sending, True
        return starts

    async def send(self, database: Database, publisher: Publisher) -> None:
        """Send until nothing waits."""
        try:
            while self._waiting:
                await self._send(database, publisher)
        finally:
            self._is_sending = False

    async def _send(self, database: Database, publisher: Publisher) -> None:
        sent: list[ConfigVersion] = []
        try:
            while self._waiting:
                now, self._waiting = self._waiting, []
                hints = [Hint(one.org_id, one.service, one.key, one.version) for one in now]
                await asyncio.to_thread(publisher.publish, hints)
                sent += now
            await configs.mark_sent(database, sent)
        except (redis.RedisError, DatabaseError) as error:
            log.warning("hints are left to the sweeper: %s", error)
