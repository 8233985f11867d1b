"""A quota change: enforced in the cluster at once, then its row and history, then the stack converges behind it.

A change that cannot be enforced, or whose stack does not converge, is set back and recorded as such.
"""

import asyncio
from typing import Any

from cluster.errors import BelowUse
from cluster.quota import enforce
from database import operations, organizations
from database.operations import OWNER, Operation
from engine.errors import EngineError
from service import steps
from service.driving import fail, under_lease
from service.leases import kept
from service.problems import Problem
from service.services import Services
from service.signup import converge
from service.steps import StepRecord, recorded
from tenants.model import Organization
from tenants.plan import plan

NOTE = "pods that run keep the limits they have until they are restarted"


async def change(services: Services, operation: Operation) -> dict[str, Any]:
    """Enforce a change that was reserved just now and return its answer; the stack converges as a job.

    Raises a Problem if the cluster uses more by now; leaves what it cannot do to recovery, as its errors say.
    """
    answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    services.work.start(_enforce_and_hand_on(services, operation, answered), f"quota {operation.slug}")
    return await answered


async def _enforce_and_hand_on(
    services: Services, operation: Operation, answered: "asyncio.Future[dict[str, Any]]"
) -> None:
    """Answer as soon as it is in force; what is recorded and handed on behind that is nobody's wait."""
    try:
        async with (
            kept(services.database, operation.lease, services.settings.lease),
            recorded(services.database, operation.lease) as record,
        ):
            answered.set_result(await _enforce(services, operation, record))
    except BaseException as error:
        if answered.done():
            raise
        answered.set_exception(error)
        return
    await operations.prolong(services.database, operation.lease, 0)
    await services.jobs.resume(operation.id)


async def drive(services: Services, operation: Operation) -> None:
    """Go on with a leased change: enforce it if that was not done, converge the stack, or set everything back."""
    await under_lease(services, operation, lambda record: _drive(services, operation, record))


async def _drive(services: Services, operation: Operation, record: StepRecord) -> None:
    if operation.state == "PENDING":
        if operation.undoing or operation.attempt > services.settings.attempts:
            await _set_back(services, operation, record, "it could not be enforced")
            return
        await _enforce(services, operation, record)
    try:
        await converge(services, operation, record)
    except EngineError as error:
        record.add("not converged", str(error))
        if operation.attempt <= services.settings.attempts:
            raise
        await _set_back(services, operation, record, f"its stack did not converge: {error}")


async def _enforce(services: Services, operation: Operation, record: StepRecord) -> dict[str, Any]:
    organization = Organization.model_validate(operation.request)
    try:
        async with services.step(steps.ENFORCE, operation.id):
            effective_at = await enforce(services.cluster, plan(organization))
    except BelowUse as below:
        raise await refuse(services, operation, str(below)) from below
    answer = {"effective_at": effective_at.isoformat(), "note": NOTE}
    async with (
        services.step(steps.SET_QUOTA, operation.id),
        services.database.transaction(actor=operation.caller, reason=operation.reason) as connection,
    ):
        await organizations.describe(connection, operation.org_id, facts(organization), managed_by=OWNER)
        await operations.commit(connection, operation.lease, answer, saved=False)
    services.metrics.ended.labels("quota", "COMMITTED").inc()
    record.add("enforced", effective_at.isoformat())
    return {**operation.answer, **answer}


async def refuse(services: Services, operation: Operation, why: str) -> Problem:
    """End an operation that would grant less than is in use; the problem that its caller is told."""
    refused = Problem(
        409, "quota-below-use", "The quota is below what is in use", why, more={"operation_id": operation.id}
    )
    await operations.begin_undo(services.database, operation.lease)
    await operations.fail(services.database, operation.lease, refused.body())
    services.metrics.ended.labels(operation.kind, "FAILED").inc()
    return refused


async def _set_back(services: Services, operation: Operation, record: StepRecord, why: str) -> None:
    """Make cluster and row what they were before, unless somebody has changed the quota again since."""
    if await operations.is_superseded(services.database, operation.id):
        await operations.mark_saved(services.database, operation.lease)
        record.add("superseded")
        return
    await operations.begin_undo(services.database, operation.lease)
    before = Organization.model_validate(await operations.request_before(services.database, operation.id))
    async with services.step(steps.RESTORE_CLUSTER, operation.id):
        await enforce(services.cluster, plan(before))
    async with services.step(steps.RESTORE_ROW, operation.id):
        reason = f"set back ({operation.id}): {why}"
        async with services.database.transaction(actor="system", reason=reason) as connection:
            await organizations.describe(connection, operation.org_id, facts(before), managed_by=OWNER)
    record.add("set back", why)
    problem = Problem(
        500, "quota-not-changed", "The quota is as it was before", f"{why}; try again later",
        more={"operation_id": operation.id, "compensated": ["quota in the cluster", "row"], "left": []},
    )  # fmt: skip
    await fail(services, operation, problem)


def facts(organization: Organization) -> organizations.Facts:
    """What the organization's row says of it, by its plan."""
    planned = plan(organization)
    return organizations.Facts(
        name=planned.name, plan=planned.plan, quota=planned.sizes,
        database_rotation=planned.database.current, retention_days=planned.retention_days,
    )  # fmt: skip
