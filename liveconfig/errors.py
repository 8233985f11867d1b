"""The exceptions of this room.

    LiveConfigError
    ├── NotConfigured   a setting of this library is missing or wrong
    ├── Gap             a state builds on something that was never received
    ├── StoreAway       PostgreSQL cannot be read
    ├── HintsAway       Redis cannot be heard
    ├── RelayAway       no relay can be reached, or it refused
    └── ProtocolError   a line between pod and relay is not what it should be

None of them reaches a caller of `get`, `details`, `model` or `snapshot`.
"""


class LiveConfigError(Exception):
    """Root of everything that this library raises."""


class NotConfigured(LiveConfigError):
    """A setting is missing or wrong; the text names it, and the way out."""


class Gap(LiveConfigError):
    """A state builds on a revision that the reader does not have: it has to ask for everything newer."""


class StoreAway(LiveConfigError):
    """PostgreSQL cannot be read now."""


class HintsAway(LiveConfigError):
    """Redis cannot be heard now."""


class RelayAway(LiveConfigError):
    """The relay cannot be reached now, or refused the pod."""


class ProtocolError(LiveConfigError):
    """A line is not what it should be."""
