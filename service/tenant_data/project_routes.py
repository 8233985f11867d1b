"""Projects."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from database.projects import PROJECTS
from service.problems import Problem
from service.tenant_data import changes
from service.tenant_data.answers import answer, missing, shown
from service.tenant_data.bodies import NewProject, ProjectChange
from service.tenant_data.pages import Asked, asked, page
from service.tenant_data.preconditions import optional, required
from service.tenant_data.scope import Scope, Scopes


def router(scopes: Scopes) -> APIRouter:
    """The routes of projects."""
    routes = APIRouter(prefix="/projects")
    reading, changing, asking = Depends(scopes.reading), Depends(scopes.changing), Depends(asked)

    @routes.post("", status_code=201, summary="Create a project")
    async def create(body: NewProject, scope: Scope = changing) -> Response:
        """409 if a living project has that name."""
        async with scope.transaction() as connection:
            made = await PROJECTS.add(connection, **body.model_dump())
        if made is None:
            raise no_project(scope)
        return answer(made, 201, f"{scope.path}/projects/{made.id}")

    @routes.get("", summary="Projects, newest first")
    async def listed(scope: Scope = reading, wanted: Asked = asking) -> dict[str, Any]:
        return await page(scope, PROJECTS, wanted, shown, "projects")

    @routes.get("/{project_id}", summary="One project")
    async def read(project_id: UUID, scope: Scope = reading) -> Response:
        """`ETag` is the version that a change names in `If-Match`."""
        return answer(await changes.read(scope, PROJECTS, no_project(scope), id=project_id))

    @routes.patch("/{project_id}", summary="Change a project")
    async def change(request: Request, project_id: UUID, body: ProjectChange, scope: Scope = changing) -> Response:
        """Needs `If-Match`."""
        version = required(request)
        return answer(
            await changes.change(scope, PROJECTS, no_project(scope), version, body.values(), id=project_id)
        )  # fmt: skip

    @routes.delete("/{project_id}", status_code=204, summary="Delete a project; its notes and documents are hidden")
    async def remove(request: Request, project_id: UUID, scope: Scope = changing) -> Response:
        """`If-Match` may be given. …/restore brings it back, with what it held."""
        await changes.remove(scope, PROJECTS, no_project(scope), optional(request), id=project_id)
        return Response(status_code=204)

    @routes.post("/{project_id}/restore", summary="Have a deleted project again")
    async def restore(project_id: UUID, scope: Scope = changing) -> Response:
        """409 if another project has taken its name."""
        return answer(await changes.restore(scope, PROJECTS, no_project(scope), id=project_id))

    return routes


def no_project(scope: Scope) -> Problem:
    """404."""
    return missing("project", f"{scope.path}/projects")
