"""Two organizations and their people, for tests of tenant data."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.integration.service.conftest import Replica, Stage
from tests.integration.service.identity_stage import committed, join, new_email
from tests.integration.service.people import headers_of

MISSING = "5f0c2f0e-0000-4000-8000-000000000000"


@dataclass
class Member:
    """Somebody of one organization, calling over one replica."""

    replica: Replica
    slug: str
    org_id: int
    email: str
    headers: dict[str, str]

    async def call(self, method: str, path: str, *, match: Any = None, slug: str = "", **more: Any) -> httpx2.Response:
        headers = self.headers | ({"If-Match": match if match == "*" else f'"{match}"'} if match is not None else {})
        url = f"/v1/organizations/{slug or self.slug}/{path}"
        return await self.replica.client.request(method, url, headers=headers | more.pop("headers", {}), **more)

    async def made(self, path: str, **body: Any) -> Any:
        answer = await self.call("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def got(self, path: str, **more: Any) -> Any:
        answer = await self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, path: str, field: str = "name") -> list[str]:
        return [item[field] for item in (await self.got(path))["items"]]


@dataclass
class Data:
    """`ours` and `theirs` are members of two organizations, `viewer` a viewer of ours."""

    stage: Stage
    ours: Member
    theirs: Member
    viewer: Member


def play(stage: Stage, act: Callable[[Data], Awaitable[None]]) -> None:
    """Run the act on two fresh organizations."""

    async def run() -> None:
        async with stage.replicas() as (replica,):
            (ours, our_id), (theirs, their_id) = committed(stage), committed(stage)
            await act(Data(
                stage, await _member(replica, stage, ours, our_id, "member"),
                await _member(replica, stage, theirs, their_id, "member"),
                await _member(replica, stage, ours, our_id, "viewer"),
            ))  # fmt: skip

    asyncio.run(run())


async def _member(replica: Replica, stage: Stage, slug: str, org_id: int, role: str) -> Member:
    email = new_email(role)
    join(stage, org_id, email, role)
    return Member(replica, slug, org_id, email, await headers_of(replica, email, slug))


def kind(answer: httpx2.Response) -> tuple[int, str]:
    """A problem's status and kind."""
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


def told(answer: httpx2.Response) -> tuple[int, dict[str, Any]]:
    """All that an answer says, but for the number of the request."""
    return answer.status_code, {key: value for key, value in answer.json().items() if key != "request_id"}
