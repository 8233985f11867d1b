"""What a pod measures of its configuration, in numbers of its own; `liveconfig.metrics` shows them to Prometheus."""

import time
from bisect import bisect_left
from collections import Counter

from liveconfig.snapshot import PLATFORM, Snapshot

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)  # seconds
MOST_SETTINGS = 500  # series of versions; more settings than that are counted, not listed
MOST_INVALID = 100  # names of settings that were invalid


class Measures:
    """Numbers of one organization's configuration in this process."""

    def __init__(self, organization: int) -> None:
        self.organization = organization
        self.snapshot = Snapshot(organization)
        self.invalid_values: Counter[str] = Counter()
        self.seconds = [0] * (len(BOUNDS) + 1)  # how many took at most each bound, the last: longer
        self.total_seconds = 0.0
        self.stale_since: float | None = time.monotonic()

    def versions(self, snapshot: Snapshot) -> None:
        """This is in force now."""
        self.snapshot = snapshot

    def applied(self, seconds: float) -> None:
        """A change was applied that long after its hint."""
        self.seconds[bisect_left(BOUNDS, seconds)] += 1
        self.total_seconds += seconds

    def invalid(self, name: str) -> None:
        """A setting's value was not of the type that was wanted."""
        known = name in self.invalid_values or len(self.invalid_values) < MOST_INVALID
        self.invalid_values[name if known else "other/*"] += 1

    def stale(self, stale: bool) -> None:
        """Whether what is held may not be the newest."""
        self.stale_since = (self.stale_since or time.monotonic()) if stale else None

    @property
    def stale_seconds(self) -> float:
        """For how long that has been so; 0: it is not."""
        return 0.0 if self.stale_since is None else time.monotonic() - self.stale_since

    def listed(self) -> dict[tuple[int, str], int]:
        """The version of each setting by owner and name, the first so many by name."""
        layers = self.snapshot.layers.by_org
        found = {
            (org_id, name): entry.version
            for org_id in dict.fromkeys((self.organization, PLATFORM)) if org_id in layers
            for name, entry in sorted(layers[org_id].entries.items())
        }  # fmt: skip
        return dict(list(found.items())[:MOST_SETTINGS])
