"""Whose data a request is about: those of the organization that the caller's token speaks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from database.errors import NameTaken
from database.pool import Connection
from service.access import Access, Caller
from service.draining import Draining
from service.problems import Problem
from service.services import Services
from service.tenant_data.cursors import Cursors


@dataclass(frozen=True)
class Scope:
    """The caller's organization. `path` is what its resources are below."""

    services: Services
    caller: Caller
    cursors: Cursors
    path: str

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that sees the caller's organization, and nothing if there is none.

        Raises a Problem (409) for a name that is taken.
        """
        try:
            async with self.services.application.transaction(
                org_id=self.caller.org_id, actor=self.caller.name
            ) as connection:
                yield connection
        except NameTaken as taken:
            raise Problem(
                409, "name-taken", "The name is taken", f"{taken}; choose another, or rename or delete that one"
            ) from taken


class Scopes:
    """The two dependencies of the routes: who may read, and who may change. They raise Problems: 401, 403, 404, 503."""

    def __init__(self, services: Services, access: Access, draining: Draining) -> None:
        self._services, self._access, self._draining = services, access, draining

    async def reading(self, request: Request, slug: str) -> Scope:
        """The scope of a request that reads."""
        return self._scope(request, "data:read", slug)

    async def changing(self, request: Request, slug: str) -> Scope:
        """The scope of a request that changes; a replica that is about to end takes none."""
        self._draining.check()
        return self._scope(request, "data:change", slug)

    def _scope(self, request: Request, permission: str, slug: str) -> Scope:
        caller = self._access.require(request, permission, slug)
        cursors = Cursors(self._services.identity.seal.hmac, f"{caller.org_id}")
        return Scope(self._services, caller, cursors, f"/v1/organizations/{slug}")
