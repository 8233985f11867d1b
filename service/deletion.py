"""Deleting an organization: the engine destroys its stack; if it cannot, what carries the operation-id is removed.

A deletion that has begun only goes forward: it is repeated by any replica until nothing is left but the tombstone.
"""

from database.operations import Operation
from engine.errors import EngineError
from service import steps
from service.driving import commit, under_lease
from service.services import Services
from service.steps import StepRecord
from service.undo import take_away
from tenants.model import Organization


async def drive(services: Services, operation: Operation) -> None:
    """Go on with a leased deletion; leave it to recovery if it cannot end now."""
    await under_lease(services, operation, lambda record: _delete(services, operation, record))


async def _delete(services: Services, operation: Operation, record: StepRecord) -> None:
    organization = Organization.model_validate(operation.request)
    if operation.stack:
        try:
            async with services.step(steps.DESTROY, operation.id):
                await services.engines.destroy(organization, operation.organization_operation_id, operation.stack)
        except EngineError as error:
            record.add("not destroyed", str(error))
            if operation.attempt <= services.settings.attempts:
                raise
    done = await take_away(services, operation, record)
    await commit(services, operation, {"left": done.left} if done.left else {})
