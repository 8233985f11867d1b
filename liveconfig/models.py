"""A service's settings as a frozen dataclass.

    @of_service("ai")
    @dataclass(frozen=True)
    class Ai:
        threshold: float = 0.5
        model: Literal["small", "large"] = "small"

        def __post_init__(self) -> None:
            if not 0 <= self.threshold <= 1:
                raise ValueError("threshold is between 0 and 1")

An invalid new value keeps the last good one: of its field, or of all if the class itself refuses them together.
"""

from __future__ import annotations

import dataclasses
import logging
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from liveconfig.errors import NotConfigured

log = logging.getLogger("liveconfig")
T = TypeVar("T")
INVALID: Any = object()


def of_service(service: str) -> Callable[[type[T]], type[T]]:
    """Bind a frozen dataclass to a service: each field is a key, `metadata={"key": …}` names another one.

    Raise NotConfigured for a class that is none, or has a field without a default: nobody may have set that.
    """

    def bind(model: type[T]) -> type[T]:
        if not dataclasses.is_dataclass(model) or not model.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise NotConfigured(
                f"{model.__name__} is no frozen dataclass; put @dataclass(frozen=True) below @of_service"
            )
        for item in dataclasses.fields(model):
            if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
                raise NotConfigured(f"{model.__name__}.{item.name} has no default, for when nobody has set it")
        model.__liveconfig_service__ = service  # type: ignore[attr-defined]
        return model

    return bind


class Models:
    """The models in use, each with its last good values. `invalid` is told the name of a setting that did not fit."""

    def __init__(self, invalid: Callable[[str], None]) -> None:
        self._invalid = invalid
        self._good: dict[type, Any] = {}

    @property
    def used(self) -> list[type]:
        """Those that were ever asked for."""
        return list(self._good)

    def build(self, model: type[T], values: Mapping[str, Any]) -> T:
        """The model with these values; what does not fit is as it last was, at first the default."""
        service = getattr(model, "__liveconfig_service__", None)
        if service is None:
            raise NotConfigured(f"{model.__name__} belongs to no service; put @of_service(…) above its @dataclass")
        last = self._good.get(model)
        try:
            made = model(**self._fields(model, service, values, last))
        except (ValueError, TypeError) as error:
            log.warning("%s keeps its last good values: %s", model.__name__, error)
            self._invalid(f"{service}/*")
            made = model() if last is None else last
        self._good[model] = made
        return made

    def _fields(self, model: type, service: str, values: Mapping[str, Any], last: Any) -> dict[str, Any]:
        hints, found = get_type_hints(model), {}
        for item in dataclasses.fields(model):
            name = f"{service}/{item.metadata.get('key', item.name)}"
            if name not in values:
                continue
            value = fitting(values[name], hints[item.name])
            if value is INVALID:
                log.warning("%s does not fit %s.%s, whose last good value stays", name, model.__name__, item.name)
                self._invalid(name)
                if last is not None:
                    found[item.name] = getattr(last, item.name)
            else:
                found[item.name] = value
        return found


def fitting(value: Any, wanted: Any) -> Any:
    """The JSON value as the type, numbers only without loss; INVALID if it is none."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return value if any(value == one and type(value) is type(one) for one in arguments) else INVALID
    if origin in (Union, types.UnionType):
        fits = (fitting(value, one) for one in arguments)
        return next((found for found in fits if found is not INVALID), INVALID)
    if origin in (list, tuple) and isinstance(value, list):
        items = [fitting(item, arguments[0]) for item in value]
        return INVALID if any(item is INVALID for item in items) else origin(items)
    if origin is dict and isinstance(value, dict):
        found = {key: fitting(item, arguments[1]) for key, item in value.items()}
        return INVALID if any(item is INVALID for item in found.values()) else found
    return _plain(value, wanted)


def _plain(value: Any, wanted: Any) -> Any:
    if wanted is Any:
        return value
    if wanted is type(None):
        return None if value is None else INVALID
    if type(value) is wanted:
        return value
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is int and type(value) is float and value.is_integer():
        return int(value)
    return INVALID
