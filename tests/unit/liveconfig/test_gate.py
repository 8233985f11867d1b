"""The relay's gate: who belongs to which organization, asked of the database as seldom as that can be."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from liveconfig.errors import StoreAway
from liveconfig.postgres import Credential
from liveconfig.protocol import Hello
from liveconfig.relay.gate import Gate, Refused


@dataclass
class FakeCredentials:
    """The table."""

    rows: dict[int, Credential] = field(default_factory=dict)
    queries: int = 0
    away: bool = False

    async def credentials(self, organizations: Collection[int]) -> dict[int, Credential]:
        self.queries += 1
        await asyncio.sleep(0.01)
        if self.away:
            raise StoreAway("away")
        return {org: self.rows[org] for org in organizations if org in self.rows}


def hello(organization: int = 7, password: str = "right", user: str = "org_7") -> Hello:
    return Hello(user, password, organization, 0, 0, 0)


def table() -> FakeCredentials:
    return FakeCredentials({7: Credential.of("org_7", "right"), 8: Credential.of("org_8", "theirs")})


def test_a_thousand_pods_that_come_together_cost_two_queries() -> None:
    async def work() -> None:
        store = table()
        gate = Gate(store)
        await asyncio.gather(*(gate.enter(hello(), "10.0.0.1") for _ in range(1000)))
        assert store.queries <= 2

    asyncio.run(work())


@pytest.mark.parametrize(
    "wrong",
    [hello(password="wrong"), hello(user="org_8"), hello(organization=8), hello(organization=99), hello(8, "right")],
    ids=["password", "user", "organization", "unknown", "swapped"],
)
def test_what_does_not_belong_together_is_refused(wrong: Hello) -> None:
    async def work() -> None:
        with pytest.raises(Refused, match="do not belong together"):
            await Gate(table()).enter(wrong, "10.0.0.1")

    asyncio.run(work())


def test_many_wrong_passwords_stop_the_look_ups_but_nobody_with_the_right_one() -> None:
    async def work() -> None:
        store = table()
        gate = Gate(store, wrong=5)
        await gate.enter(hello(), "10.0.0.1")
        for _ in range(50):
            with pytest.raises(Refused):
                await gate.enter(hello(password="wrong"), "10.0.0.1")
        assert store.queries == 6
        await gate.enter(hello(), "10.0.0.1")
        with pytest.raises(Refused, match="do not belong together"):
            await gate.enter(hello(password="wrong"), "10.0.0.2")

    asyncio.run(work())


def test_a_rotated_password_is_found_at_once() -> None:
    async def work() -> None:
        store = table()
        gate = Gate(store)
        await gate.enter(hello(), "10.0.0.1")
        store.rows[7] = Credential.of("org_7", "new")
        await gate.enter(hello(password="new"), "10.0.0.1")
        with pytest.raises(Refused):
            await gate.enter(hello(), "10.0.0.1")

    asyncio.run(work())


def test_the_database_away_lets_in_who_is_known_and_refuses_nobody_for_good() -> None:
    async def work() -> None:
        store = table()
        gate = Gate(store)
        await gate.enter(hello(), "10.0.0.1")
        store.away = True
        await gate.enter(hello(), "10.0.0.1")
        with pytest.raises(StoreAway):
            await gate.enter(hello(8, "theirs", "org_8"), "10.0.0.1")
        store.away = False
        await gate.enter(hello(8, "theirs", "org_8"), "10.0.0.1")

    asyncio.run(work())
