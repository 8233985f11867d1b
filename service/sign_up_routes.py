"""POST /v1/organizations: the sign-up, answered in the request."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from database import operations
from database.errors import SlugTaken
from database.operations import Operation, Wanted
from service import steps
from service.access import Access
from service.bodies import SignUp, request_hash
from service.draining import Draining
from service.idempotency import key_of, replay
from service.identity.opaque import digest, new_token
from service.limits import RateLimit, address_of
from service.logs import REQUEST_ID
from service.problems import Problem
from service.quota import facts
from service.services import Services
from service.signup import Progress, drive
from tenants import names
from tenants.model import Organization


def router(services: Services, access: Access, limit: RateLimit, draining: Draining) -> APIRouter:
    """The route, open to everybody; whoever may change the platform is not limited."""
    routes = APIRouter(tags=["organizations"])

    @routes.post("/v1/organizations", status_code=201, summary="Sign up")
    async def sign_up(request: Request, body: SignUp) -> JSONResponse:
        """201 once the organization is isolated and committed; 202 with a token if that takes longer."""
        draining.check()
        caller = access.caller(request)
        key = key_of(request)
        if not caller.may("platform:change"):
            await _check_rate(limit, request)
        organization = body.organization()
        token = new_token()
        wanted = _wanted(organization, caller.name, key, digest(token))
        operation = await _reserve(services, wanted, organization)
        if operation.id != wanted.id:
            return replay(operation, wanted.request_hash, status=201)
        progress = Progress()
        services.work.start(drive(services, operation, progress), f"sign-up {operation.slug}")
        await progress.wait(services.settings.wait_limit)
        return await _answer(services, operation, progress, token)

    return routes


async def _check_rate(limit: RateLimit, request: Request) -> None:
    wait = await limit.take(address_of(request))
    if wait:
        raise Problem(
            429, "too-many-sign-ups", "Too many sign-ups from this address", f"try again in {wait} seconds",
            headers={"Retry-After": str(wait)},
        )  # fmt: skip


def _wanted(organization: Organization, caller: str, key: str, token_hash: str) -> Wanted:
    operation_id, slug = str(uuid.uuid4()), organization.slug
    asked = organization.model_dump(mode="json", exclude_defaults=True)
    answer = {
        "slug": slug,
        "namespace": names.namespace(slug),
        "status": "COMMITTED",
        "operation_id": operation_id,
    }
    return Wanted(
        operation_id, "create", slug, caller, key, request_hash("create", asked),
        organization.model_dump(mode="json"), answer,
        reason="sign-up", token_hash=token_hash, request_id=REQUEST_ID.get(),
    )  # fmt: skip


async def _reserve(services: Services, wanted: Wanted, organization: Organization) -> Operation:
    async with services.step(steps.RESERVE, wanted.id):
        try:
            reserved = await operations.reserve(services.database, wanted, services.holder, facts=facts(organization))
        except SlugTaken as error:
            raise Problem(409, "slug-taken", "The slug is taken", str(error)) from error
    return reserved.operation


async def _answer(services: Services, operation: Operation, progress: Progress, token: str) -> JSONResponse:
    if progress.committed:
        return JSONResponse(operation.answer, 201)
    async with services.database.transaction() as connection:
        now = await operations.read(connection, operation.id) or operation
    if now.state == "PENDING":
        return accepted(now, token)
    return replay(now, now.request_hash, status=201)


def accepted(operation: Operation, token: str | None = None) -> JSONResponse:
    """202: where to look for what comes of it, and with which token."""
    body: dict[str, Any] = {"operation_id": operation.id, "slug": operation.slug, "status": operation.state}
    if token:
        body["token"] = token
    return JSONResponse(body, 202, headers={"Location": f"/v1/operations/{operation.id}"})
