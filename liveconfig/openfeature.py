"""Flags by OpenFeature's API: `openfeature.api.set_provider(LiveConfigProvider(config))`. Needs `openfeature`.

Flags are the settings `features/<flag>`, evaluated here, over the snapshot in force.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, ProviderNotReadyError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from liveconfig.client import LiveConfig
from liveconfig.core import Changed
from liveconfig.flags import FlagType
from liveconfig.health import Health, Status
from liveconfig.reader import Reader
from liveconfig.view import EVALUATORS, FLAGS

T = TypeVar("T")
Objects = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class LiveConfigProvider(AbstractProvider):
    """READY, STALE and ERROR as the client's health is; CONFIGURATION_CHANGED when a flag is.

    Initializing waits at most `timeout` seconds for the first load of a `LiveConfig`; an `AsyncLiveConfig` should be
    ready before. Shutting down leaves the client open: it is its maker's.
    """

    def __init__(self, config: Reader, *, timeout: float = 5.0) -> None:
        super().__init__()
        self._config, self._timeout = config, timeout
        self._ends: list[Callable[[], None]] = []

    def get_metadata(self) -> Metadata:
        """Its name."""
        return Metadata("agent-ready-liveconfig")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Raise ProviderNotReadyError when nothing is loaded in time; READY follows once it is."""
        if isinstance(self._config, LiveConfig) and self._config.health.status == Status.NOT_READY:
            self._config.wait_ready(self._timeout)
        self._ends = [self._config.on_health(self._say), self._config.on_change("features", self._changed)]
        health = self._config.health
        if health.status == Status.NOT_READY:
            raise ProviderNotReadyError(health.reason)

    def shutdown(self) -> None:
        """Listen no longer."""
        for end in self._ends:
            end()
        self._ends = []

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        return self._resolved(flag_key, default_value, evaluation_context, "boolean")

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._resolved(flag_key, default_value, evaluation_context, "string")

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return self._resolved(flag_key, default_value, evaluation_context, "integer")

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        return self._resolved(flag_key, default_value, evaluation_context, "float")

    def resolve_object_details(
        self, flag_key: str, default_value: Objects, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Objects]:
        return self._resolved(flag_key, default_value, evaluation_context, "object")

    def _resolved(
        self, key: str, default: T, context: EvaluationContext | None, kind: FlagType
    ) -> FlagResolutionDetails[T]:
        found = self._config.snapshot().flags.evaluate(key, default, _attributes(context), kind)
        return FlagResolutionDetails(
            value=found.value, variant=found.variant, reason=Reason(found.reason),
            error_code=ErrorCode(found.error_code) if found.error_code else None,
            error_message=found.error_message, flag_metadata=dict(found.metadata),
        )  # fmt: skip

    def _say(self, health: Health) -> None:
        details = ProviderEventDetails(message=health.reason or None)
        if health.status == Status.READY:
            self.emit_provider_ready(details)
        elif health.status == Status.STALE:
            self.emit_provider_stale(details)
        else:
            details.error_code = ErrorCode.PROVIDER_NOT_READY
            self.emit_provider_error(details)

    def _changed(self, change: Changed) -> None:
        # Which flags use the shared rules is theirs to know.
        changed = None if change.name == EVALUATORS else [change.name.removeprefix(FLAGS)]
        self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=changed))


def _attributes(context: EvaluationContext | None) -> dict[str, Any]:
    if context is None:
        return {}
    key = {} if context.targeting_key is None else {"targetingKey": context.targeting_key}
    return {**context.attributes, **key}
