"""How often one address may sign up: a bucket of tokens each, that fills again by itself. Kept by each replica."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 10_000  # addresses remembered; the one that was quiet the longest is forgotten first


class RateLimit:
    """`burst` at once, `per_minute` in the long run."""

    def __init__(self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = per_minute / 60, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> int:
        """Take a token; 0 if there was one, else how many seconds to wait for the next."""
        key, now = _network(address), self._clock()
        tokens, since = self._buckets.get(key, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - since) * self._rate)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - allowed, now)
        self._buckets.move_to_end(key)
        while len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - tokens) / self._rate))


def _network(address: str) -> str:
    """The address; of IPv6 the /64, which is one customer's."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
