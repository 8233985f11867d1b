"""Deleting an organization: the engine destroys its stack; if it cannot, what carries the operation-id is removed.

A deletion that has begun only goes forward: it is repeated by any replica until nothing is left but the tombstone.
"""

from cluster.errors import ClusterError
from database import operations
from database.errors import DatabaseError, LeaseLost
from database.operations import Operation
from engine.errors import EngineError
from service import steps
from service.leases import kept
from service.services import Services, log
from service.signup import postpone
from service.steps import StepRecord, recorded
from service.undo import take_away
from tenants.model import Organization


async def drive(services: Services, operation: Operation) -> None:
    """Go on with a leased deletion; leave it to recovery if it cannot end now."""
    try:
        async with (
            kept(services.database, operation.lease, services.settings.lease),
            recorded(services.database, operation.lease) as record,
        ):
            await _delete(services, operation, record)
    except LeaseLost as error:
        log.warning("%s; another replica goes on", error)
    except (DatabaseError, ClusterError, EngineError) as error:
        log.warning("operation %s waits for recovery: %s", operation.id, error)
        await postpone(services, operation, error)


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
    async with services.step(steps.COMMIT, operation.id), services.database.transaction() as connection:
        await operations.commit(connection, operation.lease, {"left": done.left} if done.left else {}, saved=True)
    services.metrics.ended.labels("delete", "COMMITTED").inc()
