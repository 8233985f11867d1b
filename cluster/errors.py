"""Errors of the cluster room.

ClusterError
├── Unreachable      no answer from the API server: temporary, try again
├── ApiRefused       the API server said no (has `.code`, `.reason`)
├── NamespaceTaken   the namespace exists and is not ours: it stays untouched
├── NotImportable    the namespace cannot be taken over; the text lists what stands in the way
├── StillTerminating a namespace does not go away; the text says what holds it
├── NotIsolated      the gate stays closed; the text lists what is missing
├── BelowUse         a quota would be less than what is in use; nothing was changed
├── NotEnforced      a quota was changed, and its controller has not followed in time
└── PolicyNotInForce an admission policy that must deny does not
"""


class ClusterError(Exception):
    """Root of everything this room raises."""


class Unreachable(ClusterError):
    """The API server did not answer."""


class ApiRefused(ClusterError):
    """The API server refused a request. `code` is the HTTP status, `reason` Kubernetes' word for it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(message)


class NamespaceTaken(ClusterError):
    """Somebody else's namespace stands where ours should."""


class NotImportable(ClusterError):
    """A namespace that `adopt` names is gone, may not be looked into, or holds what no organization may have."""


class StillTerminating(ClusterError):
    """A namespace's deletion has not finished in time."""


class NotIsolated(ClusterError):
    """An organization's isolation is not complete in the live cluster."""


class BelowUse(ClusterError):
    """A quota that is less than what is in use; the text lists the resources."""


class NotEnforced(ClusterError):
    """A quota that was applied is not in force yet."""


class PolicyNotInForce(ClusterError):
    """The cluster admits what an admission policy must refuse."""
