"""The outbox's sweeper: what a transaction wrote and nobody announced yet goes out over Redis, at least once.

`python -m service.sweeper` runs until it is ended; `--once` empties the outbox and stops. Several may run: each
locks the rows it sends. Redis or PostgreSQL being away only delays hints; the rows wait.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal

import redis

from database import configs
from database.errors import DatabaseError
from database.pool import Database
from liveconfig.publisher import Publisher
from liveconfig.wire import Hint

log = logging.getLogger("sweeper")
PAUSE = 1.0  # seconds between looks at an empty outbox
LONGEST_PAUSE = 60.0  # seconds, after repeated failures


async def sweep(database: Database, publisher: Publisher) -> int:
    """Publish one batch of waiting hints and mark them; return how many. Redis errors leave them waiting."""
    async with database.transaction(actor="sweeper") as connection:
        waiting = await configs.waiting_hints(connection)
        if waiting:
            hints = [Hint(w.config.org_id, w.config.service, w.config.key, w.config.version) for w in waiting]
            await asyncio.to_thread(publisher.publish, hints)
            await configs.mark_published(connection, [w.id for w in waiting])
    return len(waiting)


async def sweep_until(stop: asyncio.Event, database: Database, publisher: Publisher) -> None:
    """Sweep until `stop` is set; failures are logged and retried with growing pauses."""
    pause = PAUSE
    while not stop.is_set():
        try:
            sent = await sweep(database, publisher)
            pause = 0.0 if sent else PAUSE
        except (DatabaseError, redis.RedisError) as error:
            pause = min(max(pause, PAUSE) * 2, LONGEST_PAUSE)
            log.warning("hints wait, next try in %.0f s: %s", pause, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def run(*, once: bool) -> None:
    """Run with the settings of `.local/env`; stop cleanly on SIGTERM and SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    publisher = Publisher(os.environ["REDIS_URL"], ca_file=os.environ.get("REDIS_CA_FILE"))
    async with Database(os.environ["PLATFORM_DATABASE_URL"], size=1) as database:
        await configs.epoch(database)  # after a restore readers need another one, whoever comes first
        if once:
            while await sweep(database, publisher):
                pass
        else:
            await sweep_until(stop, database, publisher)
    publisher.close()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m service.sweeper", description=__doc__)
    parser.add_argument("--once", action="store_true", help="empty the outbox and stop")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asyncio.run(run(once=parser.parse_args().once))


if __name__ == "__main__":
    main()
