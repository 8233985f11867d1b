"""Asking for a change of an organization over HTTP, and answering it: once a key, within the wait limit or later."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.responses import JSONResponse

from database import operations
from database.operations import Reserved, Wanted
from service import change
from service.bodies import with_changes
from service.idempotency import Asking, replay
from service.reserving import Wish, ended
from service.services import Services
from service.sign_up_routes import accepted
from tenants.model import Organization

Begin = Callable[[Services, str, Wish], Awaitable[Reserved]]


async def carried_out(
    services: Services, slug: str, asked: Asking, wish: Wish, begin: Begin = change.begin, *, token: str | None = None
) -> JSONResponse:
    """The operation's answer, or 202 if it takes longer than the wait limit; the key's own if it was asked before.

    With 202 comes the `token` that reads the operation, if it has one.
    """
    operation = await operations.find(services.database, asked.caller, asked.key)
    if operation is None:
        reserved = await begin(services, slug, wish)
        operation = await ended(services, reserved.operation) if reserved.is_new else reserved.operation
        if reserved.is_new and operation.state == "PENDING":
            return accepted(operation, token)
    return replay(operation, asked.request_hash, status=200)


def changed(now: Organization, changes: dict[str, Any], asked: Asking, reason: str, **more: Any) -> Wanted:
    """The change of these fields, with `more` in its answer; raise a Problem if it is not valid."""
    operation_id, slug = str(uuid.uuid4()), now.slug
    request = with_changes(now, changes).model_dump(mode="json")
    answer = {"slug": slug, "operation_id": operation_id, "changed": sorted(changes), **more}
    return Wanted(operation_id, "change", slug, **vars(asked), request=request, answer=answer, reason=reason)
