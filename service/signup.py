"""The sign-up's saga: deploy under a lease, answer when the gate has committed, then save the stack behind.

Whatever ends it early is undone here or recovered by any replica once the lease has run out (docs/adr/0013).
"""

import asyncio
import time

import redis

from database import directory, operations, users
from database.operations import Operation
from engine.errors import EngineError
from engine.selfservice import Deployed
from service import steps, sweeper
from service.driving import under_lease
from service.services import Services, log
from service.steps import StepRecord
from service.undo import undo
from tenants.model import Organization


class Progress:
    """One sign-up at work. `answered` is set when its operation has an answer: committed, or undone."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.committed = False
        self.began = time.monotonic()

    def commit(self) -> None:
        """The gate has committed it."""
        self.committed = True
        self.answered.set()

    async def wait(self, seconds: float) -> bool:
        """Whether there is an answer within that time."""
        try:
            await asyncio.wait_for(self.answered.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def drive(services: Services, operation: Operation, progress: Progress | None = None) -> None:
    """Bring a leased sign-up to its saved stack, or undo it; leave it to recovery if neither can be done now."""
    progress = progress or Progress()
    try:
        await under_lease(services, operation, lambda record: _forward_or_undo(services, operation, record, progress))
    finally:
        progress.answered.set()


async def _forward_or_undo(services: Services, operation: Operation, record: StepRecord, progress: Progress) -> None:
    if operation.state == "PENDING" and (operation.undoing or operation.attempt > services.settings.attempts):
        await undo(services, operation, record, f"it did not come to its end in {services.settings.attempts} attempts")
        return
    if operation.state == "COMMITTED":
        progress.commit()
        await converge(services, operation, record)
        return
    try:
        deployed = await _deploy(services, operation, record)
    except EngineError as error:
        log.warning("operation %s failed in attempt %d: %s", operation.id, operation.attempt, error)
        record.add("failed", str(error))
        if 1 < operation.attempt < services.settings.attempts:
            raise  # nobody waits for an answer: there is time for another attempt
        await undo(services, operation, record, str(error))
        return
    services.metrics.sign_up_seconds.labels(deployed.way).observe(time.monotonic() - progress.began)
    services.metrics.ended.labels("create", "COMMITTED").inc()
    progress.commit()
    services.work.start(_welcome(services, operation), f"welcome to {operation.slug}")
    record.add("committed", deployed.way)
    await _save(services, operation, deployed, record)


async def _welcome(services: Services, operation: Operation) -> None:
    """Mail the owner a token for a first password. Should this replica die now, a reset mails another one."""
    organization = Organization.model_validate(operation.request)
    owner = organization.members[0].email
    async with services.database.transaction() as connection:
        if await users.has_password(connection, owner):
            return
    opening = f"{organization.name} is ready, and you are its owner."
    await services.identity.mailed.invite_to_set_password(owner, f"Welcome to {organization.name}", opening)


async def _deploy(services: Services, operation: Operation, record: StepRecord) -> Deployed:
    organization = Organization.model_validate(operation.request)
    async with services.step(steps.DEPLOY, operation.id):
        return await services.engines.deploy(
            organization, operation.organization_operation_id, stack=operation.stack, on_step=record.add
        )


async def converge(services: Services, operation: Operation, record: StepRecord) -> None:
    """Bring the stack to the organization as it is now, whatever was asked for since; then nothing is left to do."""
    described = await directory.described(services.database, operation.org_id)
    if operation.organization_status != "DELETED" and described is not None:
        organization, token = Organization.model_validate(described), operation.organization_operation_id
        if operation.stack is None:  # whoever deployed it died before it could say where
            async with services.step(steps.DEPLOY, operation.id):
                deployed = await services.engines.deploy(organization, token, stack=None, on_step=record.add)
            await _save(services, operation, deployed, record)
            return
        async with services.step(steps.CONVERGE, operation.id):
            await services.engines.converge(organization, token, operation.stack)
    async with services.step(steps.MARK_SAVED, operation.id):
        await operations.mark_saved(services.database, operation.lease)
    record.add("saved", operation.stack or "")
    async with services.step(steps.PUBLISH, operation.id):
        await publish(services)


async def _save(services: Services, operation: Operation, deployed: Deployed, record: StepRecord) -> None:
    database, lease = services.database, operation.lease
    async with services.step(steps.RECORD, operation.id):
        await operations.keep_deployed(database, lease, way=deployed.way, stack=deployed.stack)
    async with services.step(steps.SAVE, operation.id):
        await deployed.saved
    async with services.step(steps.MARK_SAVED, operation.id):
        await operations.mark_saved(database, lease)
    record.add("saved", deployed.stack)
    async with services.step(steps.PUBLISH, operation.id):
        await publish(services)


async def publish(services: Services) -> None:
    """Send the hints that wait; what cannot be sent now goes out with the next sweep."""
    try:
        await sweeper.sweep(services.database, services.publisher)
    except redis.RedisError as error:
        log.warning("hints wait: %s", error)
