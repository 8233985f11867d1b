"""How often one address may sign up: a bucket of tokens each, the same for all replicas, that fills again by itself."""

import hmac
import ipaddress
import math

from fastapi import Request

from database import rates
from database.pool import Database


class RateLimit:
    """`burst` at once, `per_minute` in the long run. Addresses are stored as hashes under `key`, a secret."""

    def __init__(self, database: Database, key: str, *, per_minute: float, burst: int) -> None:
        self._database, self._key, self._each, self._burst = database, key.encode(), 60 / per_minute, burst

    async def take(self, address: str) -> int:
        """Take a token; 0 if there was one, else how many seconds to wait for the next. Raise DatabaseError."""
        hashed = hmac.digest(self._key, f"sign-ups of {network_of(address)}".encode(), "sha256")
        return math.ceil(await rates.take(self._database, hashed, each=self._each, burst=self._burst))


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


def network_of(address: str) -> str:
    """The address, also if it is IPv4 written as IPv6 (::ffff:192.0.2.1); of IPv6 the /64, which is one customer's."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
