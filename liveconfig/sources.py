"""Where a pod's states come from: a relay, Redis and PostgreSQL, or nowhere."""

import asyncio
import logging
from typing import Protocol

from liveconfig.core import Core
from liveconfig.errors import NotConfigured
from liveconfig.health import Health, Status
from liveconfig.pace import Backoff
from liveconfig.uplink import Uplink

log = logging.getLogger("liveconfig")


class Source(Protocol):
    """Tells a core what is newer."""

    async def run(self) -> None:
        """Until it is cancelled."""


class Offline:
    """Nothing is named to follow: what the bootstrap file says stays."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def run(self) -> None:
        """Wait."""
        why = "offline: neither LIVECONFIG_RELAY nor LIVECONFIG_REDIS_URL and LIVECONFIG_DATABASE_URL are set"
        self._core.say(Health(Status.NOT_READY, why))
        await asyncio.Event().wait()


def source_of(core: Core) -> Source:
    """The one that the settings name; raise NotConfigured."""
    settings = core.settings
    if settings.relay:
        return Uplink(core)
    if not settings.redis_url and not settings.database_url:
        return Offline(core)
    if not (settings.redis_url and settings.database_url):
        raise NotConfigured("without LIVECONFIG_RELAY both LIVECONFIG_REDIS_URL and LIVECONFIG_DATABASE_URL are needed")
    try:
        from liveconfig.direct import Direct
    except ImportError as error:
        extra = "pip install 'agent-ready-liveconfig[postgresql]'"
        raise NotConfigured(f"following PostgreSQL without a relay needs {error.name}: {extra}") from error
    return Direct(core)


async def keep_following(core: Core, source: Source) -> None:
    """Run the source until cancelled; a fault in it is logged and it is started again."""
    backoff = Backoff(core.settings.pace)
    while True:
        try:
            await source.run()
        except Exception as error:  # outermost: a pod must not lose its configuration to a fault of ours
            log.exception("following failed")
            core.say(Health(Status.NOT_READY, f"a fault: {type(error).__name__}"))
        await asyncio.sleep(backoff.next())
