"""What an evaluation answers: OpenFeature's reasons and error codes, and the details of one."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")

FlagType = Literal["boolean", "string", "integer", "float", "object"]
Metadata = Mapping[str, str | int | float | bool]
NO_METADATA: Metadata = MappingProxyType({})


class Reason(StrEnum):
    """Why this value (OpenFeature, 1.4.7); the ones that an evaluation in the pod can have."""

    STATIC = "STATIC"
    DEFAULT = "DEFAULT"
    TARGETING_MATCH = "TARGETING_MATCH"
    DISABLED = "DISABLED"
    ERROR = "ERROR"


class ErrorCode(StrEnum):
    """What went wrong (OpenFeature, 1.4.8)."""

    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    PARSE_ERROR = "PARSE_ERROR"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    GENERAL = "GENERAL"


class Details(NamedTuple, Generic[T]):
    """One evaluation. `variant` is None when the value is the caller's default.

    A value of an object flag is the definition's own: read it, do not write into it.
    """

    value: T
    variant: str | None
    reason: Reason
    error_code: ErrorCode | None = None
    error_message: str | None = None
    metadata: Metadata = NO_METADATA


class Failed(Exception):
    """An evaluation that ends in the caller's default; never leaves this package."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


MISMATCH: Any = object()


def cast(value: Any, kind: FlagType | None) -> Any:
    """The value as the type asked for, None for any; MISMATCH if it is none. Numbers convert only without loss."""
    if kind is None:
        return value
    if kind == "boolean":
        return value if isinstance(value, bool) else MISMATCH
    if kind == "string":
        return value if isinstance(value, str) else MISMATCH
    if kind == "object":
        return value if isinstance(value, dict | list) else MISMATCH
    return _number(value, kind)


def _number(value: Any, kind: FlagType) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return MISMATCH
    if kind == "integer":
        return int(value) if isinstance(value, int) or value.is_integer() else MISMATCH
    try:
        return float(value)
    except OverflowError:
        return MISMATCH
