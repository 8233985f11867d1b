"""One organization and its settings, for tests of live configuration."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug

ADA, GRACE = "token-of-ada-of-these-tests", "token-of-grace-of-these-tests"
OPERATORS = {"ada": ADA, "grace": GRACE}
THRESHOLD = "configs/ai/threshold"


@dataclass
class Settings:
    """Calls about one organization's settings, or with `base` the platform's defaults, over one replica."""

    replica: Replica
    slug: str
    token: str | None = None
    base: str = ""

    def by(self, token: str, replica: Replica | None = None) -> "Settings":
        return Settings(replica or self.replica, self.slug, token, self.base)

    @property
    def platform(self) -> "Settings":
        return Settings(self.replica, self.slug, self.token, "/v1/platform")

    async def call(
        self, method: str, path: str, *, match: Any = None, first: bool = False, **more: Any
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else dict(OPERATOR)
        headers |= {"If-Match": match if match == "*" else f'"{match}"'} if match is not None else {}
        headers |= {"If-None-Match": "*"} if first else {}
        base = self.base or f"/v1/organizations/{self.slug}"
        return await self.replica.client.request(
            method, f"{base}/{path}".replace("/?", "?"), headers=headers | more.pop("headers", {}), **more
        )

    async def put(self, path: str, value: Any, match: Any = "*", **more: Any) -> httpx2.Response:
        return await self.call("PUT", path, match=None if more.get("first") else match,
                               json={"value": value, "reason": "because"}, **more)  # fmt: skip

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> httpx2.Response:
        return await self.call("POST", path, json={"reason": "because", **body})

    async def done(self, answer: Awaitable[httpx2.Response], status: int = 200) -> Any:
        found = await answer
        assert found.status_code == status, found.text
        return found.json()


Act = Callable[[Settings], Awaitable[None]]


def play(stage: Stage, act: Act, **settings: Any) -> None:
    """Sign an organization up, and run the act on its settings."""

    async def run() -> None:
        async with stage.replicas(operators=OPERATORS, **settings) as (replica,):
            slug = new_slug("cfg")
            assert (await replica.sign_up(slug)).status_code == 201
            await replica.settled()
            await act(Settings(replica, slug))

    asyncio.run(run())


def kind(answer: httpx2.Response) -> tuple[int, str]:
    """A problem's status and kind."""
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]
