"""Going on with what a replica has left: any other takes the operation when its lease has run out."""

import uuid
from collections.abc import Awaitable, Callable, Mapping

from cluster import evidence
from cluster.errors import StillTerminating
from cluster.evidence import Carrier
from cluster.namespaces import delete
from database import directory, operations
from database.operations import OWNER, Kind, Operation
from service import change, deletion, quota, repair, signup
from service.services import Services, log

_DRIVERS: Mapping[Kind, Callable[[Services, Operation], Awaitable[None]]] = {
    "create": signup.drive,
    "quota": quota.drive,
    "change": change.drive,
    "repair": repair.drive,
    "delete": deletion.drive,
}


async def resume(services: Services, operation_id: str) -> bool:
    """Take the operation, if nobody works on it, and bring it to its end; whether it was ours to take."""
    operation = await operations.take(services.database, operation_id, services.holder)
    if operation is None:
        return False
    log.info("operation %s (%s %s) goes on here, attempt %d", operation.id, operation.kind, operation.slug,
             operation.attempt)  # fmt: skip
    await _DRIVERS[operation.kind](services, operation)
    return True


async def resume_all(services: Services) -> list[str]:
    """Put every operation that nobody works on into the queue; return their ids."""
    waiting = await operations.recoverable(services.database)
    for operation_id in waiting:
        await services.jobs.resume(operation_id)
    return waiting


async def sweep_orphans(services: Services) -> list[str]:
    """Delete namespaces whose operation-id belonged to an organization of ours that is no more; return their names.

    A worker that was paused past its lease may have made one after its operation was undone. An operation-id that this
    database has never given out is somebody else's: it stays untouched.
    """
    carriers = [one for one in await evidence.carriers(services.cluster) if _is_uuid(one.operation_id)]
    ids = [one.operation_id for one in carriers]
    ended = await directory.ended(services.database, ids, managed_by=OWNER)
    orphans = [one for one in carriers if one.operation_id in ended]
    return [orphan.name for orphan in orphans if await _remove(services, orphan)]


async def _remove(services: Services, orphan: Carrier) -> bool:
    if orphan.is_going:
        log.warning("namespace %s of operation %s is still terminating", orphan.name, orphan.operation_id)
        return False
    log.warning("namespace %s carries operation %s, which is no more; deleting it", orphan.name, orphan.operation_id)
    services.metrics.orphans.inc()
    try:
        await delete(services.cluster, orphan.name, orphan.uid, timeout=services.settings.namespace_timeout)
    except StillTerminating as error:
        log.warning("%s", error)
    return True


def _is_uuid(text: str) -> bool:
    """Anybody may write anything into an annotation."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
