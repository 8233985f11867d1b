"""One consistent view of the settings: what a request works with from its beginning to its end."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from liveconfig.flags import FlagSet
from liveconfig.models import INVALID, Models, fitting
from liveconfig.snapshot import PLATFORM, Snapshot

T = TypeVar("T")
FLAGS, EVALUATORS = "features/", "features/evaluators"  # where flags are, and the rules that they share
_PLAIN = frozenset((bool, int, float, str))


class Reason(StrEnum):
    """Why a value is what it is."""

    OWN = "OWN"  # the organization set it
    PLATFORM = "PLATFORM"  # the platform set it for everybody
    DEFAULT = "DEFAULT"  # nobody set it: the caller's default
    TYPE_MISMATCH = "TYPE_MISMATCH"  # it is of another type than the default, which is given instead
    OVERRIDE = "OVERRIDE"  # a test set it
    BOOTSTRAP = "BOOTSTRAP"  # nothing was loaded yet: of the bootstrap file


@dataclass(frozen=True, slots=True)
class Details(Generic[T]):
    """A value and where it comes from. `version` 0: of no setting. `stale`: a newer one may exist."""

    value: T
    version: int
    reason: Reason
    stale: bool


class View:
    """Settings at one moment. It never changes, and reading it neither blocks nor raises.

    `values` are the ones in force by `service/key`. `extra` lie over the snapshot, for `extra_reason`. `mismatched` is
    told of each value that is not of its default's type.
    """

    def __init__(
        self, snapshot: Snapshot, models: Models, *, extra: Mapping[str, Any], extra_reason: Reason,
        is_stale: Callable[[], bool], mismatched: Callable[[str], None], previous: "View | None" = None,
    ) -> None:  # fmt: skip
        self.snapshot, self.values = snapshot, {**snapshot.values, **extra} if extra else snapshot.values
        self._extra, self._extra_reason = extra, extra_reason
        self._is_stale, self._mismatched = is_stale, mismatched
        self._models = models
        self._built: dict[type, Any] = {model: models.build(model, self.values) for model in models.used}
        self._previous_flags: FlagSet | None = None
        if previous is not None:
            self._previous_flags = previous.__dict__.get("flags", previous._previous_flags)

    def get(self, name: str, default: T) -> T:
        """The value of `service/key` in the default's type; the default if nobody set it, or not in that type."""
        value = self.values.get(name, default)
        if type(value) is type(default) and type(value) in _PLAIN:
            return value
        return self._fitted(name, value, default)

    def details(self, name: str, default: T) -> Details[T]:
        """The same with version, reason and whether it may be stale."""
        value = self.get(name, default)
        version, reason = self._origin(name)
        if name in self.values and _as(self.values[name], default) is INVALID:
            reason = Reason.TYPE_MISMATCH
        return Details(value, version, reason, self._is_stale())

    def version(self, name: str) -> int:
        """The version of the value in force; 0: of no setting."""
        return self._origin(name)[0]

    def model(self, model: type[T]) -> T:
        """A service's settings as its frozen dataclass (`liveconfig.models.of_service`)."""
        if model not in self._built:
            self._built[model] = self._models.build(model, self.values)
        return self._built[model]  # type: ignore[no-any-return]

    @cached_property
    def flags(self) -> FlagSet:
        """The flags, `features/*`; what did not change stays compiled."""
        found = {
            name.removeprefix(FLAGS): value for name, value in self.values.items()
            if name.startswith(FLAGS) and name != EVALUATORS
        }  # fmt: skip
        previous, self._previous_flags = self._previous_flags, None
        return FlagSet(found, self.values.get(EVALUATORS), previous=previous)

    def _fitted(self, name: str, value: Any, default: T) -> T:
        found = _as(value, default)
        if found is INVALID:
            self._mismatched(name)
            return default
        # What is shared by all requests is not theirs to change.
        return found if type(found) in _PLAIN or value is default else copy.deepcopy(found)  # type: ignore[no-any-return]

    def _origin(self, name: str) -> tuple[int, Reason]:
        if name in self._extra:
            return 0, self._extra_reason
        found = self.snapshot.found(name)
        if found is None:
            return 0, Reason.DEFAULT
        entry, org_id = found
        return entry.version, Reason.PLATFORM if org_id == PLATFORM else Reason.OWN


def _as(value: Any, default: Any) -> Any:
    return value if default is None or value is default else fitting(value, type(default))
