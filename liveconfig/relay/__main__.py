"""`python -m liveconfig.relay`: one relay, with the settings of its environment."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys

from liveconfig.errors import NotConfigured
from liveconfig.postgres import PostgresStore
from liveconfig.relay.endpoints import answer_probes
from liveconfig.relay.gate import Gate
from liveconfig.relay.hub import Hub
from liveconfig.relay.metrics import Metrics
from liveconfig.relay.server import Server
from liveconfig.relay.settings import HELP, Settings
from liveconfig.subscription import EVERYBODY, RedisHints

log = logging.getLogger("relay")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raise OSError if an address or a key cannot be had."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = Metrics()
    # Two connections: a login never waits for a reading of settings, nor the other way round.
    settings_store, credentials = PostgresStore(settings.database_url), PostgresStore(settings.database_url)
    hints = RedisHints(settings.redis_url, EVERYBODY, ca_file=settings.redis_ca_file)
    hub = Hub(settings_store, hints, metrics, settings.pace)
    settings_store.lost = hub.follower.compare
    server = Server(settings, hub, Gate(credentials))
    probes = answer_probes(settings.metrics, metrics, lambda: hub.follower.health) if settings.metrics else None
    try:
        await server.serve(stop)
    finally:
        if probes:
            probes.shutdown()
            probes.server_close()
        await settings_store.close()
        await credentials.close()


def _collect_garbage_seldom() -> None:
    """A look at everything that a thousand pods hold must not come between a change and the last of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def main() -> int:
    """Parse the command line and serve; 1 if it cannot start."""
    parser = argparse.ArgumentParser(
        prog="python -m liveconfig.relay", description="Serves pods with their organization's live configuration.",
        epilog=HELP, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    _collect_garbage_seldom()
    try:
        asyncio.run(serve(Settings.of(os.environ)))
    except (NotConfigured, OSError) as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
