"""A change of anything that an organization has: sizes and members hold at once, the engine brings the stack to it all.

Then it is committed. A change that the engine cannot make is set back, and its operation tells what could not be. What
it took from members is never given back by that.
"""

import asyncio

from cluster.errors import BelowUse, ClusterError
from cluster.quota import enforce
from database import operations
from database.operations import Operation, Reserved
from engine.errors import EngineError
from service import members, steps
from service.driving import commit, fail, under_lease
from service.problems import Problem
from service.quota import refuse
from service.reserving import Wish, reserve_when_free
from service.services import Services
from service.signup import publish
from service.steps import StepRecord
from tenants.model import Organization
from tenants.plan import plan


async def begin(services: Services, slug: str, wish: Wish) -> Reserved:
    """Reserve a change, have hold at once what can, and leave the rest to the queue: whoever is removed is out by then.

    Raises Busy, or what the wish raises. What cannot be done now is left to recovery.
    """
    reserved = await reserve_when_free(services, slug, wish)
    if reserved.is_new:
        begun = services.work.start(_begin(services, reserved.operation), f"change {slug}")
        await asyncio.wait({begun}, timeout=services.settings.wait_limit)
    return reserved


async def _begin(services: Services, operation: Operation) -> None:
    organization = Organization.model_validate(operation.request)
    if await under_lease(services, operation, lambda _: _hold(services, operation, organization)):
        await operations.prolong(services.database, operation.lease, 0)
        await services.jobs.resume(operation.id)


async def drive(services: Services, operation: Operation) -> None:
    """Go on with a leased change: forward for so many attempts, then back for as many."""
    await under_lease(services, operation, lambda record: _drive(services, operation, record))


async def _drive(services: Services, operation: Operation, record: StepRecord) -> None:
    if operation.undoing or operation.attempt > services.settings.attempts:
        await _set_back(services, operation, record)
        return
    organization = Organization.model_validate(operation.request)
    await _hold(services, operation, organization)
    try:
        await converge(services, operation, organization)
    except EngineError as error:
        record.add("not converged", str(error))
        raise
    await commit(services, operation, {})
    async with services.step(steps.PUBLISH, operation.id):
        await publish(services)


async def _hold(services: Services, operation: Operation, organization: Organization) -> None:
    """Have sizes and members that are changed hold; raise a Problem, with the operation ended, if more is in use."""
    wanted, before = plan(organization), plan(await _before(services, operation))
    if (wanted.quota, wanted.limits) != (before.quota, before.limits):
        try:
            async with services.step(steps.ENFORCE, operation.id):
                await enforce(services.cluster, wanted)
        except BelowUse as below:
            raise await refuse(services, operation, str(below)) from below
    if wanted.members != before.members:
        async with services.step(steps.MEMBERS, operation.id):
            await members.hold(services, operation, organization)


async def _before(services: Services, operation: Operation) -> Organization:
    return Organization.model_validate(await operations.request_before(services.database, operation.id))


async def converge(
    services: Services, operation: Operation, organization: Organization, *, refresh: bool = False
) -> None:
    """Bring the operation's stack to the organization; raise EngineError, also while its sign-up is not saved."""
    if operation.stack is None:
        raise EngineError("the organization has no stack yet: its sign-up is still being recovered")
    async with services.step(steps.CONVERGE, operation.id):
        await services.engines.converge(
            organization, operation.organization_operation_id, operation.stack, refresh=refresh
        )


async def _set_back(services: Services, operation: Operation, record: StepRecord) -> None:
    await operations.begin_undo(services.database, operation.lease)
    before = await _before(services, operation)
    kept, taken = members.kept(before, Organization.model_validate(operation.request))
    done, left = ["members, rows, objects and stack"], list[str]()
    try:
        async with services.step(steps.RESTORE_MEMBERS, operation.id):
            await members.hold(services, operation, kept, why=f"set back ({operation.id})")
        async with services.step(steps.RESTORE_STACK, operation.id):
            await converge(services, operation, kept)
    except (EngineError, ClusterError) as error:
        record.add("not set back", str(error))
        if operation.attempt <= 2 * services.settings.attempts:
            raise
        done, left = [], [f"the stack does not converge: {error}"]
    mend = f"; see `GET /v1/drift?slug={operation.slug}`, and repair" if left else ""
    problem = Problem(
        500, "not-changed", "The organization is not changed",
        f"the engine could not make the change in {services.settings.attempts} attempts; try again later{mend}",
        more={"operation_id": operation.id, "compensated": done, "left": left + ([taken] if taken else [])},
    )  # fmt: skip
    await fail(services, operation, problem, stays=kept.model_dump(mode="json") if taken else None)
