"""The exceptions of this room; each text gives the offending value, the rule and the way out.

::

    PlaneError
    ├── Misnamed      a part was named on purpose, and the name cannot be right
    ├── Unreachable   a part that was named on purpose does not answer
    ├── StartFailed   a server ended, or was not ready in time
    ├── StopFailed    a server of ours is still there
    └── Interrupted   Ctrl-C or SIGTERM
"""


class PlaneError(Exception):
    """Anything this room refuses or cannot do."""


class Misnamed(PlaneError):
    """A part was named on purpose, and the name cannot be right."""


class Unreachable(PlaneError):
    """A part that was named on purpose does not answer as such."""


class StartFailed(PlaneError):
    """A server ended by itself, or was not ready in time."""


class StopFailed(PlaneError):
    """A server of ours could not be stopped."""


class Interrupted(PlaneError):
    """The person at the terminal wants to stop; what already runs is remembered."""


class NotReady(Exception):
    """A probe's answer "not yet", with the reason; never leaves the room."""
