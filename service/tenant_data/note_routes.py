"""Notes, below their project."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from database.notes import NOTES
from database.projects import PROJECTS
from service.problems import Problem
from service.tenant_data import changes
from service.tenant_data.answers import answer, missing, shown
from service.tenant_data.bodies import NewNote, NoteChange
from service.tenant_data.pages import Asked, asked, page
from service.tenant_data.preconditions import optional, required
from service.tenant_data.project_routes import no_project
from service.tenant_data.scope import Scope, Scopes


def router(scopes: Scopes) -> APIRouter:
    """The routes of notes."""
    routes = APIRouter(prefix="/projects/{project_id}/notes")
    reading, changing, asking = Depends(scopes.reading), Depends(scopes.changing), Depends(asked)

    @routes.post("", status_code=201, summary="Write a note")
    async def create(project_id: UUID, body: NewNote, scope: Scope = changing) -> Response:
        async with scope.transaction() as connection:
            made = await NOTES.add(connection, project_id=project_id, **body.model_dump())
        if made is None:
            raise no_project(scope)
        return answer(made, 201, f"{_path(scope, project_id)}/{made.id}")

    @routes.get("", summary="A project's notes, newest first")
    async def listed(project_id: UUID, scope: Scope = reading, wanted: Asked = asking) -> dict[str, Any]:
        found = await page(scope, NOTES, wanted, shown, "notes", project_id=project_id)
        if not found["items"]:  # there is nothing in it, or it is not there
            await changes.read(scope, PROJECTS, no_project(scope), id=project_id)
        return found

    @routes.get("/{note_id}", summary="One note")
    async def read(project_id: UUID, note_id: UUID, scope: Scope = reading) -> Response:
        """`ETag` is the version that a change names in `If-Match`."""
        key = {"project_id": project_id, "id": note_id}
        return answer(await changes.read(scope, NOTES, _no_note(scope, project_id), **key))

    @routes.patch("/{note_id}", summary="Change a note")
    async def change(
        request: Request, project_id: UUID, note_id: UUID, body: NoteChange, scope: Scope = changing
    ) -> Response:
        """Needs `If-Match`."""
        version, key = required(request), {"project_id": project_id, "id": note_id}
        return answer(
            await changes.change(scope, NOTES, _no_note(scope, project_id), version, body.values(), **key)
        )  # fmt: skip

    @routes.delete("/{note_id}", status_code=204, summary="Delete a note")
    async def remove(request: Request, project_id: UUID, note_id: UUID, scope: Scope = changing) -> Response:
        """`If-Match` may be given. …/restore brings it back."""
        key = {"project_id": project_id, "id": note_id}
        await changes.remove(scope, NOTES, _no_note(scope, project_id), optional(request), **key)
        return Response(status_code=204)

    @routes.post("/{note_id}/restore", summary="Have a deleted note again")
    async def restore(project_id: UUID, note_id: UUID, scope: Scope = changing) -> Response:
        key = {"project_id": project_id, "id": note_id}
        return answer(await changes.restore(scope, NOTES, _no_note(scope, project_id), **key))

    return routes


def _path(scope: Scope, project_id: UUID) -> str:
    return f"{scope.path}/projects/{project_id}/notes"


def _no_note(scope: Scope, project_id: UUID) -> Problem:
    return missing("note", _path(scope, project_id))
