"""How often somebody may guess: buckets that all replicas share, and that lock nobody out where they are known.

Each guess takes from the pair of address and network, from its network, and, where the address has never logged in,
from one bucket of all such networks. So many networks together guess at one address no faster than one, and none of it
touches the network that its owner logs in from. What a right password took is given back, but for what its network
has: log-ins are work, whoever knows a password.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from database import rates, users
from database.pool import Database
from service.identity.seal import Seal
from service.limits import network_of
from service.problems import Problem


@dataclass(frozen=True)
class Bucket:
    """Whose it is, how many at once, and how many seconds until there is one more; whether it bounds guesses alone."""

    whose: bytes
    burst: int
    each: float
    guesses_alone: bool = True


class Lockout:
    """The buckets of one kind of guess; `kind` keeps them apart."""

    def __init__(self, database: Database, seal: Seal, kind: str) -> None:
        self._database, self._seal, self._kind = database, seal, kind

    async def take(self, email: str, address: str) -> list[Bucket]:
        """Take one of each bucket, for `give_back`; raise a Problem (429) if one is empty."""
        network, taken = network_of(address), list[Bucket]()
        for bucket in self._buckets(email, network, is_known=await self.is_known(email, address)):
            wait = await rates.take(self._database, bucket.whose, each=bucket.each, burst=bucket.burst)
            if wait:
                raise throttled(math.ceil(wait))
            taken.append(bucket)
        return taken

    async def give_back(self, taken: list[Bucket]) -> None:
        """It was no guess."""
        given = {bucket.whose: bucket.each for bucket in taken if bucket.guesses_alone}
        await rates.give_back(self._database, given)

    async def is_known(self, email: str, address: str) -> bool:
        """Whether the email address has logged in from the network of that address."""
        networks = self._seal.hmacs("known networks", network_of(address))
        async with self._database.statement() as connection:
            return await users.is_known_network(connection, email, networks)

    def network(self, address: str) -> bytes:
        """How the network of an address is written down."""
        return self._seal.hmac("known networks", network_of(address))

    def _buckets(self, email: str, network: str, *, is_known: bool) -> Iterator[Bucket]:
        yield Bucket(self._named(f"{email} from {network}"), 10, 60.0)
        yield Bucket(self._named(f"network {network}"), 50, 6.0, guesses_alone=False)
        if not is_known:
            yield Bucket(self._named(f"{email} from elsewhere"), 30, 60.0)

    def _named(self, what: str) -> bytes:
        return self._seal.hmac("throttling", f"{self._kind} {what}")


def throttled(seconds: int) -> Problem:
    """429, with how long to wait."""
    return Problem(
        429, "login-throttled", "Too many attempts",
        f"try again in {seconds} seconds; a password reset by mail is always possible",
        headers={"Retry-After": str(seconds)},
    )  # fmt: skip
