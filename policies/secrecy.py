"""Which values are secret or not known yet: the engine says so, and pulumi_policy takes it from the policies.

It drops the secret mark, and where a preview does not know a value it gives up on the policy and reports that as
advice. `remember()` keeps the secrets' paths beside the properties, under a key of its own, and puts `Unknown` where
the value will be. The function that it wraps is not part of pulumi_policy's interface: if a version moves it, the pack
fails to start, and so does every update, rather than judge without knowing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi_policy.policy
from pulumi_policy.proxy import _is_unknown

from policies.rules import Unknown

_KEY = "__secret_paths__"
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def remember() -> None:
    """Let every later policy see which of its properties are secret."""
    sdk: Any = pulumi_policy.policy
    plain = sdk.deserialize_properties

    def keeping(properties: dict[str, Any]) -> dict[str, Any]:
        return {**_known(plain(properties)), _KEY: sorted(marked(properties, ""))}

    sdk.deserialize_properties = keeping


def paths(properties: Mapping[str, Any]) -> frozenset[str]:
    """The paths of secret values, such as `data` or `spec.password`."""
    return frozenset(properties[_KEY])


def without_paths(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as the program gave them."""
    return {key: properties[key] for key in properties if key != _KEY}


def marked(value: Any, path: str) -> Iterator[str]:
    """Paths of the values that carry the engine's secret mark."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from marked(item, f"{path}.{index}")
    elif isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            yield path
        else:
            for key, item in value.items():
                yield from marked(item, f"{path}.{key}" if path else key)


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(item) for item in value]
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    return Unknown() if _is_unknown(value) else value
