"""How far what a reader holds can be trusted."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """READY: what is served is the newest. STALE: it may not be. NOT_READY: there is nothing yet but defaults."""

    READY = "READY"
    STALE = "STALE"
    NOT_READY = "NOT_READY"


@dataclass(frozen=True, slots=True)
class Health:
    """A status and, unless it is READY, why."""

    status: Status
    reason: str = ""


STARTING = Health(Status.NOT_READY, "nothing was loaded yet")
READY = Health(Status.READY)
