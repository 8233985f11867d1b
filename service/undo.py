"""Undoing a sign-up, and ending an organization, by evidence: what carries the operation-id goes, nothing else.

Needs no engine and no state, can be repeated at any point, and stops halfway only where the cluster or the database is
away; whoever recovers the operation then goes on.
"""

from dataclasses import dataclass, field

from cluster import evidence
from cluster.errors import StillTerminating
from database import operations, organizations
from database.operations import OWNER, Operation
from service import steps
from service.driving import fail
from service.problems import Problem
from service.services import Services
from service.steps import StepRecord
from tenants import names


@dataclass
class Compensation:
    """What was taken back, what could not be, and who else holds the namespace."""

    compensated: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    stranger: str = ""


async def undo(services: Services, operation: Operation, record: StepRecord, why: str) -> None:
    """Take back everything of a sign-up and end it as FAILED; do nothing if it was committed meanwhile.

    Raises ClusterError, DatabaseError or EngineError where it can only be gone on with later.
    """
    async with services.step(steps.BEGIN_UNDO, operation.id):
        undoing = await operations.begin_undo(services.database, operation.lease)
    if not undoing:
        return
    async with services.database.transaction() as connection:  # the engine has noted its stack meanwhile
        operation = await operations.read(connection, operation.id) or operation
    done = await take_away(services, operation, record)
    await fail(services, operation, failure(operation, done, why))


async def take_away(services: Services, operation: Operation, record: StepRecord) -> Compensation:
    """Remove the namespace that carries the organization's operation-id, then its logins and row, then its stack."""
    done = Compensation()
    async with services.step(steps.UNDO_NAMESPACE, operation.id):
        await _namespace(services, operation, done)
    async with services.step(steps.UNDO_ROW, operation.id):
        async with services.database.transaction(
            actor=operation.caller, reason=operation.reason or "undone", request_id=operation.request_id
        ) as connection:
            await organizations.delete(connection, operation.org_id, managed_by=OWNER)
        await services.users.discard(operation.org_id)
        done.compensated.append("logins, Redis user, settings and row")
    if operation.stack:
        async with services.step(steps.UNDO_STACK, operation.id):
            await services.engines.forget(operation.stack)
        done.compensated.append(f"stack {operation.stack}")
    for item in done.compensated:
        record.add("removed", item)
    for item in done.left:
        record.add("left", item)
    return done


async def _namespace(services: Services, operation: Operation, done: Compensation) -> None:
    ours, namespace = operation.organization_operation_id, names.namespace(operation.slug)
    try:
        timeout = services.settings.namespace_timeout
        if await evidence.remove(services.cluster, operation.slug, ours, timeout=timeout):
            done.compensated.append(f"namespace {namespace}")
    except StillTerminating as error:
        done.left.append(str(error))
        return
    other = await evidence.carrier(services.cluster, operation.slug)
    if other is not None and other.operation_id != ours:
        going = "is still being deleted" if other.is_going else "exists already"
        done.stranger = f"namespace {namespace} {going} and is not this organization's; it was left untouched"


def failure(operation: Operation, done: Compensation, why: str) -> Problem:
    """What the caller of a sign-up that was undone is told, now and on each repetition."""
    more = {"operation_id": operation.id, "compensated": done.compensated, "left": done.left}
    again = "Nothing of it is left" if not done.left else "Not everything of it is gone yet (see `left`)"
    if done.stranger:
        detail = f"{done.stranger}. Choose another slug and a new Idempotency-Key"
        return Problem(409, "namespace-taken", "The namespace is taken", detail, more=more)
    detail = f"{why}. {again}; try again with a new Idempotency-Key"
    return Problem(500, "sign-up-failed", "The organization could not be made", detail, more=more)
