"""When to try again, and when to look without being asked."""

import random
from dataclasses import dataclass

from liveconfig.errors import NotConfigured


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: the first pause after a failure, which doubles up to the longest; between two full comparisons."""

    first: float = 1.0
    longest: float = 60.0
    reconcile: tuple[float, float] = (300.0, 600.0)

    @staticmethod
    def reconciling(given: str) -> "Pace":
        """With comparisons so many seconds apart: `300-600`, one number, or nothing. Raise NotConfigured."""
        if not given:
            return Pace()
        first, _, last = given.partition("-")
        try:
            low, high = float(first), float(last or first)
        except ValueError:
            low, high = 0.0, 0.0
        if not 0 < low <= high < float("inf"):
            raise NotConfigured(f"{given!r} is no span of seconds; write for instance 300-600")
        return Pace(reconcile=(low, high))

    def until_reconcile(self) -> float:
        """Jittered, so that a thousand pods that started together do not ask together."""
        return random.uniform(*self.reconcile)  # noqa: S311 - spreads load, guards nothing


class Backoff:
    """Pauses between attempts: 1, 2, 4, 8 … 60 s, each shortened at random by up to a half."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._failures = pace, 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        whole = min(self._pace.first * 2.0 ** min(self._failures, 30), self._pace.longest)
        self._failures += 1
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def reset(self) -> None:
        """It worked."""
        self._failures = 0
