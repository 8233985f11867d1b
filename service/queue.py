"""The queue in PostgreSQL for what outlives a request (procrastinate): any replica takes a job, none takes it twice.

A job names an operation; what is to be done, and whether it still is, the operation's own row and lease decide. A job
that is lost or comes twice is no harm: operations that nobody works on are looked for all the time.
"""

import asyncio
import logging
from collections.abc import Awaitable
from pathlib import Path

import procrastinate
from procrastinate import exceptions
from procrastinate.schema import SchemaManager

from cluster.errors import ClusterError
from database import configs, queue, rates
from database.errors import DatabaseError, DatabaseFault
from database.pool import Database
from database.queue import Shipped
from service import change_sets, drift, recovery, redis_users, signup
from service.identity import housekeeping
from service.oidc import builtin
from service.services import Jobs, Services

log = logging.getLogger("service")
# Minute, hour, day, month, weekday, second.
OFTEN, EACH_MINUTE, BETWEEN = "* * * * * */5", "* * * * * 30", "* * * * * 0"
_PAUSE = 2.0  # seconds


class Queue(Jobs):
    """Jobs in the database at `url`. Call `open` first; `work` until it is cancelled."""

    def __init__(self, url: str) -> None:
        connector = procrastinate.PsycopgConnector(conninfo=queue.conninfo(url), min_size=1, max_size=4)
        self._app = procrastinate.App(connector=connector)

    async def open(self, database: Database) -> None:
        """Bring the queue's tables to this version of the library, and connect. Raise DatabaseError."""
        ran = await queue.prepare(database, shipped())
        if ran:
            log.info("the queue's tables were migrated: %s", ", ".join(ran))
        try:
            await self._app.open_async()
        except exceptions.ConnectorException as error:
            raise DatabaseFault(f"the queue cannot be reached: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._app.close_async()

    async def resume(self, operation_id: str) -> None:
        """Queue it once, however often it is asked for before somebody takes it. Raise DatabaseError."""
        task = self._app.configure_task("resume", queueing_lock=operation_id)
        try:
            await task.defer_async(operation_id=operation_id)
        except exceptions.AlreadyEnqueued:
            return
        except exceptions.ConnectorException as error:
            raise DatabaseFault(f"the queue: {error}") from error

    async def work(self, services: Services) -> None:
        """Take jobs, a few at a time, until cancelled; what runs then is waited for."""
        self._serve(services)
        while True:
            try:
                await self._app.run_worker_async(
                    concurrency=services.settings.jobs_at_once, name=services.settings.replica, wait=True,
                    install_signal_handlers=False, delete_jobs="always",
                    shutdown_graceful_timeout=services.settings.drain,
                )  # fmt: skip
            except (exceptions.ConnectorException, DatabaseError) as error:
                log.warning("no jobs are taken, next try in %.0f s: %s", _PAUSE, error)
            await asyncio.sleep(_PAUSE)

    def _serve(self, services: Services) -> None:
        """Say what each job does."""
        app = self._app

        @app.task(name="resume")
        async def resume(operation_id: str) -> None:
            await recovery.resume(services, operation_id)

        @app.periodic(cron=OFTEN)
        @app.task(name="tend", queueing_lock="tend")
        async def tend(timestamp: int) -> None:
            await _attempt("recovery", recovery.resume_all(services))
            await _attempt("hints", signup.publish(services))

        @app.periodic(cron=OFTEN)
        @app.task(name="plans", queueing_lock="plans")
        async def plans(timestamp: int) -> None:
            await _attempt("planned changes", change_sets.apply_due(services))

        @app.periodic(cron=EACH_MINUTE)
        @app.task(name="sweep", queueing_lock="sweep")
        async def sweep(timestamp: int) -> None:
            await _attempt("orphans", recovery.sweep_orphans(services))
            await _attempt("stalled jobs", self._retry_stalled())
            await _attempt("Redis users", redis_users.rebuild(services))
            await _attempt("hints that went out", configs.forget_published(services.database))
            await _attempt("rates", rates.forget_full(services.database))
            await _attempt("identity", housekeeping.tend(services.database, services.identity.keys))
            await _attempt("clients", builtin.tend(services.database, services.settings.issuer))

        @app.periodic(cron=BETWEEN)
        @app.task(name="compare", queueing_lock="compare")
        async def compare(timestamp: int) -> None:
            await _attempt("drift", drift.compare_due(services))

    async def _retry_stalled(self) -> None:
        """Give jobs whose worker has died to somebody else."""
        jobs = self._app.job_manager
        for job in await jobs.get_stalled_jobs():
            log.warning("job %s of a worker that died is queued again", job.id)
            await jobs.retry_job(job)


def shipped() -> Shipped:
    """What the installed version of the library brings."""
    folder = Path(SchemaManager.get_migrations_path())
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.sql")}
    return Shipped(procrastinate.__version__, SchemaManager.get_schema(), texts)


async def _attempt(what: str, doing: Awaitable[object]) -> None:
    """Do it; what is away now is tried again in a while."""
    try:
        await doing
    except (DatabaseError, ClusterError, exceptions.ConnectorException) as error:
        log.warning("%s: %s", what, error)
