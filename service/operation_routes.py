"""GET /v1/operations/{id} and its events: for members of its organization, or with its own token."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from database import operations
from database.operations import Operation
from service.access import Access
from service.events import shown, stream
from service.services import Services


def router(services: Services, access: Access) -> APIRouter:
    """Both routes."""
    routes = APIRouter(prefix="/v1/operations/{operation_id}", tags=["operations"])

    async def readable(request: Request, operation_id: str) -> Operation:
        found = None
        if _is_uuid(operation_id):
            async with services.database.transaction() as connection:
                found = await operations.read(connection, operation_id)
        return access.require_reader(request, found)

    @routes.get("", summary="The state of an operation, step by step")
    async def read(request: Request, operation_id: str) -> dict[str, Any]:
        operation = await readable(request, operation_id)
        return shown(operation, await operations.steps(services.database, operation.id))

    @routes.get("/events", summary="The same as server-sent events", response_class=StreamingResponse)
    async def events(request: Request, operation_id: str) -> StreamingResponse:
        """Resumes after the step named by `Last-Event-ID`."""
        operation = await readable(request, operation_id)
        last = request.headers.get("last-event-id", "0")
        after = int(last) if last.isascii() and last.isdecimal() and len(last) < 19 else 0
        told = stream(services.database, operation.id, after)
        return StreamingResponse(told, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return routes


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
