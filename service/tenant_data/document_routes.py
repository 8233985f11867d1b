"""Documents: texts with a media type, of the organization or of one of its projects."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from database.documents import DOCUMENTS, Document
from service.problems import Problem
from service.tenant_data import changes
from service.tenant_data.answers import answer, missing, shown
from service.tenant_data.bodies import DocumentChange, NewDocument
from service.tenant_data.pages import Asked, asked, page
from service.tenant_data.preconditions import optional, required
from service.tenant_data.project_routes import no_project
from service.tenant_data.scope import Scope, Scopes

OfProject = Annotated[UUID | None, Query(description="Only that project's")]


def router(scopes: Scopes) -> APIRouter:
    """The routes of documents."""
    routes = APIRouter(prefix="/documents")
    reading, changing, asking = Depends(scopes.reading), Depends(scopes.changing), Depends(asked)

    @routes.post("", status_code=201, summary="Create a document")
    async def create(body: NewDocument, scope: Scope = changing) -> Response:
        """409 if a living document has that name, 404 if there is no such project."""
        async with scope.transaction() as connection:
            made = await DOCUMENTS.add(connection, **body.model_dump())
        if made is None:
            raise no_project(scope)
        return answer(made, 201, f"{scope.path}/documents/{made.id}")

    @routes.get("", summary="Documents, newest first, without their content")
    async def listed(
        scope: Scope = reading, wanted: Asked = asking, project_id: OfProject = None
    ) -> dict[str, Any]:  # fmt: skip
        return await page(scope, DOCUMENTS, wanted, _without_content, "documents", project_id=project_id)

    @routes.get("/{document_id}", summary="One document with its content")
    async def read(document_id: UUID, scope: Scope = reading) -> Response:
        """`ETag` is the version that a change names in `If-Match`."""
        return answer(await changes.read(scope, DOCUMENTS, _no_document(scope), id=document_id))

    @routes.patch("/{document_id}", summary="Change a document")
    async def change(request: Request, document_id: UUID, body: DocumentChange, scope: Scope = changing) -> Response:
        """Needs `If-Match`."""
        version = required(request)
        return answer(
            await changes.change(scope, DOCUMENTS, _no_document(scope), version, body.values(), id=document_id)
        )  # fmt: skip

    @routes.delete("/{document_id}", status_code=204, summary="Delete a document")
    async def remove(request: Request, document_id: UUID, scope: Scope = changing) -> Response:
        """`If-Match` may be given. …/restore brings it back."""
        await changes.remove(scope, DOCUMENTS, _no_document(scope), optional(request), id=document_id)
        return Response(status_code=204)

    @routes.post("/{document_id}/restore", summary="Have a deleted document again")
    async def restore(document_id: UUID, scope: Scope = changing) -> Response:
        """409 if another document has taken its name."""
        return answer(await changes.restore(scope, DOCUMENTS, _no_document(scope), id=document_id))

    return routes


def _without_content(row: Document) -> dict[str, Any]:
    return {name: value for name, value in shown(row).items() if name != "content"}


def _no_document(scope: Scope) -> Problem:
    return missing("document", f"{scope.path}/documents")
