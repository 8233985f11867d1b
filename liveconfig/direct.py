"""The pod's own way to Redis and PostgreSQL, where no relay is. Needs the extra `postgresql`."""

from liveconfig.core import Core
from liveconfig.follower import Follower
from liveconfig.postgres import PostgresStore
from liveconfig.snapshot import PLATFORM
from liveconfig.subscription import RedisHints, patterns


class Direct:
    """Follows its organization and the platform until `run` is cancelled."""

    def __init__(self, core: Core) -> None:
        settings = core.settings
        self._store = PostgresStore(settings.database_url)
        hints = RedisHints(
            settings.redis_url,
            patterns(settings.organization),
            credentials=settings.credentials if settings.user else None,
            ca_file=str(settings.ca_file) if settings.ca_file else None,
        )
        followed = settings.organization, PLATFORM
        self._follower = Follower(self._store, hints, core, followed, pace=settings.pace, layers=core.held.layers)
        self._store.lost = self._follower.compare

    async def run(self) -> None:
        """Follow."""
        try:
            await self._follower.run()
        finally:
            await self._store.close()
