"""The audit log of an organization, or of the platform: page by page, whole, and verified.

An export can be verified by whoever has it, without us. It is NDJSON, one object a line, the oldest first:

    {"seq": 1, "entry": "<text>", "previous": "", "hash": "<64 hex digits>"}
    …
    {"head": {"seq": 17, "hash": "<64 hex digits>"}, "org_id": 42}

For each line: `seq` is one more than on the line before, and 1 on the first; `previous` is the `hash` of the line
before, and empty on the first; `hash` is SHA-256 over the bytes that `previous` spells in hexadecimal, followed by the
string `entry` in UTF-8, exactly as it stands between its quotes once JSON's escapes are undone; and `entry`, itself
JSON, has this `seq` and this `org_id`. The last line's head is the last entry's number and hash. In Python:

    hashlib.sha256(bytes.fromhex(line["previous"]) + line["entry"].encode()).hexdigest() == line["hash"]

A chain that was rewritten as a whole still holds by itself. What shows that is a head that was kept elsewhere: in a
later export the entry of that number still has that hash.
"""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from database import audit
from database.audit import Entry, Head
from service.access import Access
from service.config_scope import PLATFORM, Scope
from service.found import find_number
from service.services import Services

After = Annotated[int, Query(ge=0, le=2**62, description="`next` of the page before: entries above that number")]
Limit = Annotated[int, Query(ge=1, le=500)]
_AT_A_TIME = 500  # entries of an export that are read in one transaction
_FLAWS = 100
_NDJSON = "application/x-ndjson"


def router(services: Services, access: Access) -> APIRouter:
    """The same three routes below an organization and below the platform."""
    routes = APIRouter(tags=["audit"])

    async def of_organization(request: Request, slug: str) -> Scope:
        caller = access.require(request, "audit:read", slug)
        return Scope(services, await find_number(services, slug), f"/v1/organizations/{slug}", caller.name)

    async def of_platform(request: Request) -> Scope:
        return Scope(services, PLATFORM, "/v1/platform", access.require(request, "platform:read").name)

    for prefix, find in (("/v1/organizations/{slug}", of_organization), ("/v1/platform", of_platform)):
        _add(routes, prefix + "/audit", Depends(find))
    return routes


def _add(routes: APIRouter, prefix: str, scoped: Any) -> None:
    @routes.get(prefix, summary="Who did what, when, from what to what and why; oldest first")
    async def page(scope: Scope = scoped, after: After = 0, limit: Limit = 100) -> dict[str, Any]:
        async with scope.transaction() as connection:
            found = await audit.page(connection, scope.org_id, after=after, most=limit)
        return {"items": [_shown(one) for one in found], "next": found[-1].seq if len(found) == limit else None}

    @routes.get(
        prefix + "/export", summary="All of it as NDJSON, to be kept and verified elsewhere",
        response_class=Response, responses={200: {"content": {_NDJSON: {"schema": {"type": "string"}}}}},
    )  # fmt: skip
    async def export(scope: Scope = scoped) -> StreamingResponse:
        """A line for each entry, the chain's head at the end; service/audit_routes.py says how to verify it."""
        async with scope.transaction() as connection:
            head = await audit.head(connection, scope.org_id)
        return StreamingResponse(_lines(scope, head), media_type=_NDJSON)

    @routes.get(prefix + "/verify", summary="Whether every entry is as it was written")
    async def verify(scope: Scope = scoped) -> dict[str, Any]:
        async with scope.transaction() as connection:
            flaws = await audit.verify(connection, scope.org_id, most=_FLAWS)
            head = await audit.head(connection, scope.org_id)
        problems = [vars(flaw) for flaw in flaws]
        return {"valid": not flaws, "entries": head.seq, "head": vars(head), "problems": problems}


async def _lines(scope: Scope, head: Head) -> AsyncIterator[str]:
    """Nothing is held open between two parts: a reader may be slow. What was read cannot change any more."""
    after = 0
    while after < head.seq:
        async with scope.transaction() as connection:
            found = await audit.exported(connection, scope.org_id, after=after, until=head.seq, most=_AT_A_TIME)
        if not found:
            break
        after = found[-1].seq
        yield "".join(json.dumps(vars(one), ensure_ascii=False) + "\n" for one in found)
    yield json.dumps({"head": vars(head), "org_id": scope.org_id}) + "\n"


def _shown(entry: Entry) -> dict[str, Any]:
    return vars(entry) | {"at": entry.at.isoformat()}
