"""Who may come in: a pod's user, password and organization against `tenancy.pod_credentials`.

A thousand pods that come together cost a query or two; wrong passwords from one address are looked up only so often.
"""

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Collection
from typing import Protocol

from liveconfig.postgres import Credential
from liveconfig.protocol import Hello

_NOBODY = Credential("", "0" * 64)
_WINDOW = 60.0  # seconds


class Refused(Exception):
    """The pod may not come in; the text is the one it is told."""


class Credentials(Protocol):
    """Where they are kept."""

    async def credentials(self, organizations: Collection[int]) -> dict[int, Credential]:
        """Those of these organizations. Raise StoreAway."""


class Gate:
    """Keeps what it has read. After `wrong` failures a minute from one address that address waits."""

    def __init__(self, store: Credentials, *, wrong: int = 20) -> None:
        self._store, self._most = store, wrong
        self._known: dict[int, Credential] = {}
        self._asked: set[int] = set()
        self._one = asyncio.Lock()
        self._wrong, self._since = Counter[str](), time.monotonic()

    async def enter(self, hello: Hello, address: str) -> Credential:
        """The credential that the pod came in with; raise Refused, or StoreAway if that cannot be told."""
        claimed = Credential.of(hello.user, hello.password)
        if not self._fits(hello.organization, claimed):
            if self._failures()[address] >= self._most:
                raise Refused("too many wrong passwords from this address; try again in a minute")
            await self._look_up(hello.organization)
            if not self._fits(hello.organization, claimed):
                self._failures()[address] += 1
                raise Refused("user, password and organization do not belong together")
        return claimed

    async def read_again(self, organizations: Collection[int]) -> dict[int, Credential]:
        """What these organizations' pods must have come in with. Raise StoreAway."""
        self._known = await self._store.credentials(organizations) if organizations else {}
        return self._known

    def _fits(self, organization: int, claimed: Credential) -> bool:
        known = self._known.get(organization, _NOBODY)
        same = hmac.compare_digest(claimed.password_sha256, known.password_sha256)
        return hmac.compare_digest(claimed.username.encode(), known.username.encode()) and same

    def _failures(self) -> Counter[str]:
        if time.monotonic() > self._since + _WINDOW:
            self._wrong, self._since = Counter(), time.monotonic()
        return self._wrong

    async def _look_up(self, organization: int) -> None:
        """Those who ask while a query runs share the next one."""
        self._asked.add(organization)
        async with self._one:
            if organization not in self._asked:
                return
            asked = set(self._asked)
            found = await self._store.credentials(asked)
            self._asked -= asked
            self._known = {org: known for org, known in self._known.items() if org not in asked} | found
