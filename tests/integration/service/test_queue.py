"""The queue that replicas share: its tables are made once, a job is taken once, and what nobody works on is found."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from database.pool import Database
from service.queue import Queue
from tests.integration.service.conftest import Replica, Stage, new_slug
from tests.integration.service.killing import dies_at


@asynccontextmanager
async def working(stage: Stage, *replicas: Replica) -> AsyncIterator[list[Queue]]:
    """A queue for each replica, opened at the same moment, with a worker on it."""
    queues = [Queue(stage.prepared.platform) for _ in replicas]
    await asyncio.gather(
        *(queue.open(replica.services.database) for queue, replica in zip(queues, replicas, strict=True))
    )
    for queue, replica in zip(queues, replicas, strict=True):
        object.__setattr__(replica.services, "jobs", queue)
    workers = [asyncio.create_task(q.work(r.services)) for q, r in zip(queues, replicas, strict=True)]
    try:
        yield queues
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for queue in queues:
            await queue.close()


async def until(stage: Stage, slug: str, state: str, seconds: float = 20) -> None:
    """Wait until the slug's operation is in that state and at its end."""
    async with asyncio.timeout(seconds):
        while [(o["state"], o["saved_at"] is not None) for o in stage.operations(slug)] != [(state, True)]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_two_replicas_share_one_queue_and_a_job_is_done_once(stage: Stage) -> None:
    slug = new_slug("queue")

    async def run() -> None:
        async with stage.replicas(3, jobs=False, lease=0.3, wait_limit=0.3) as (dying, one, two):
            await dies_at(dying, "before deploy").sign_up(slug)
            await dying.settled()
            operation_id = str(stage.operations(slug)[0]["id"])
            await asyncio.sleep(0.4)
            async with working(stage, one, two) as (queue, other):
                await asyncio.gather(*(q.resume(operation_id) for q in (queue, other) for _ in range(5)))
                await until(stage, slug, "COMMITTED")
            assert one.engines.made("deploy") + two.engines.made("deploy") == 1
            assert stage.operations(slug)[0]["attempt"] == 2

    asyncio.run(run())


def test_what_a_dead_replica_left_is_found_without_anybody_asking(stage: Stage) -> None:
    slug = new_slug("queue")

    async def run() -> None:
        async with stage.replicas(2, jobs=False, lease=0.3, wait_limit=0.3) as (dying, other):
            await dies_at(dying, "after deploy").sign_up(slug)
            await dying.settled()
            async with working(stage, other):
                await until(stage, slug, "COMMITTED")

    asyncio.run(run())


def test_a_worker_whose_database_connections_are_cut_goes_on(stage: Stage) -> None:
    slug = new_slug("queue")

    async def run() -> None:
        async with stage.replicas(2, jobs=False, lease=0.3, wait_limit=0.3) as (dying, other):
            await dies_at(dying, "before deploy").sign_up(slug)
            await dying.settled()
            async with working(stage, other):
                await asyncio.sleep(0.2)
                async with Database(stage.prepared.platform, size=1) as database:
                    with contextlib.suppress(Exception):
                        async with database.transaction() as connection:
                            await connection.execute(
                                "select pg_terminate_backend(pid) from pg_stat_activity "
                                "where usename = current_user and pid <> pg_backend_pid()"
                            )
                await until(stage, slug, "COMMITTED", seconds=30)

    asyncio.run(run())
