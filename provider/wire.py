"""Between Pulumi's property values and plain Python values."""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue

Plain = dict[str, Any]


class Unknown(Exception):
    """A value that only an update will know was read during a preview."""


def plain(properties: Mapping[str, PropertyValue]) -> Plain:
    """Plain values of all properties, nulls left out; raise Unknown if one of them is not known yet."""
    values = {key: _plain(value) for key, value in properties.items()}
    return {key: value for key, value in values.items() if value is not None}


def has_unknown(properties: Mapping[str, PropertyValue]) -> bool:
    """Whether any property, at any depth, is not known yet."""
    try:
        plain(properties)
    except Unknown:
        return True
    return False


def properties(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """Property values of plain ones; None is left out."""
    return {key: _property(value) for key, value in values.items() if value is not None}


def _plain(value: PropertyValue) -> Any:
    inner = value.value
    if isinstance(inner, Computed):
        raise Unknown
    if isinstance(inner, Mapping):
        return {key: _plain(item) for key, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [_plain(item) for item in inner]
    return inner


def _property(value: Any) -> PropertyValue:
    if isinstance(value, Mapping):
        return PropertyValue({key: _property(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([_property(item) for item in value])
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)
