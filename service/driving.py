"""The frame of every saga: work under a lease, with its steps recorded; what cannot be done now is left to recovery."""

from collections.abc import Awaitable, Callable

from cluster.errors import ClusterError
from database import operations
from database.errors import DatabaseError, LeaseLost, LeaseTaken
from database.operations import Operation
from engine.errors import EngineError
from service import steps
from service.leases import kept
from service.problems import Problem
from service.services import Services, log
from service.steps import StepRecord, recorded


async def under_lease(services: Services, operation: Operation, work: Callable[[StepRecord], Awaitable[None]]) -> bool:
    """Do the work of a leased operation, and return whether that came to its end.

    Whatever ends it early is left to whoever recovers the operation.
    """
    try:
        async with (
            kept(services.database, operation.lease, services.settings.lease),
            recorded(services.database, operation.lease) as record,
        ):
            await work(record)
            return True
    except LeaseLost as error:
        log.warning("%s; another replica goes on", error)
    except Problem as refused:
        log.warning("operation %s: %s", operation.id, refused)
    except (DatabaseError, ClusterError, EngineError) as error:
        log.warning("operation %s waits for recovery: %s", operation.id, error)
        await postpone(services, operation, error)
    return False


async def commit(services: Services, operation: Operation, answer: operations.Json) -> None:
    """End an operation whose stack is saved, as what was asked for; `answer` is added to its own. Raise LeaseLost."""
    async with services.step(steps.COMMIT, operation.id), services.database.transaction() as connection:
        await operations.commit(connection, operation.lease, answer, saved=True)
    services.metrics.ended.labels(operation.kind, "COMMITTED").inc()


async def fail(
    services: Services, operation: Operation, problem: Problem, *, stays: operations.Json | None = None
) -> None:
    """End an operation with the problem that its caller is told, now and on each repetition. Raise LeaseLost.

    With `stays` the organization is that from now on, not what it was before.
    """
    async with services.step(steps.FAIL, operation.id):
        await operations.fail(services.database, operation.lease, problem.body(), stays=stays)
    services.metrics.ended.labels(operation.kind, "FAILED").inc()


async def postpone(services: Services, operation: Operation, why: Exception) -> None:
    """Let go of the lease after a pause, so that whoever recovers it does not fail in the same moment again.

    An attempt that found a killed replica's engine on the stack does not count.
    """
    pause = services.settings.retry_pause
    try:
        if isinstance(why, LeaseTaken):
            await operations.put_back(services.database, operation.lease, pause)
        else:
            await operations.prolong(services.database, operation.lease, pause)
    except DatabaseError as error:
        log.warning("operation %s: %s", operation.id, error)
