"""So many requests a minute, as a setting says that may change between two requests."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

_WINDOW = 60.0  # seconds


class RateLimit:
    """Counts the requests of the last minute, of this process. Safe in several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._taken = now, deque[float]()
        self._one = threading.Lock()

    def take(self, most: int) -> int:
        """0 if the request is within `most` a minute, which counts it; else the seconds after which to try again."""
        with self._one:
            now = self._now()
            while self._taken and self._taken[0] <= now - _WINDOW:
                self._taken.popleft()
            if len(self._taken) < most:
                self._taken.append(now)
                return 0
            return math.ceil(self._taken[-most] + _WINDOW - now)
