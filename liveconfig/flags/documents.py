"""flagd's files: read as definitions, and written again."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from liveconfig.flags.definitions import compiled
from liveconfig.flags.rules import shown

SCHEMA = "https://flagd.dev/schema/v0/flags.json"


class DocumentError(ValueError):
    """A document cannot be read or written; the text names the value, the rule and the way out."""


class Document(NamedTuple):
    """What a flagd file holds. The file's own metadata is already in each flag's, which has precedence."""

    definitions: dict[str, Any]
    evaluators: dict[str, Any]


def from_flagd(document: Any) -> Document:
    """Read a flagd file that was parsed from JSON; definitions come as they are, right or wrong. Raise DocumentError.

    Flags as an object by key, or as a list in which each has a `key`.
    """
    if not isinstance(document, dict) or "flags" not in document:
        raise DocumentError(f"{shown(document)} is no flagd file; it is an object with `flags`")
    common = _object(document, "metadata")
    flags = _by_key(document["flags"])
    return Document(
        {key: _with_metadata(definition, common) for key, definition in flags.items()}, _object(document, "$evaluators")
    )


def to_flagd(definitions: Mapping[str, Any], evaluators: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write definitions as a flagd file. Raise DocumentError for what flagd does not know: prerequisites."""
    needing = sorted(key for key, definition in definitions.items() if compiled(definition, evaluators).prerequisites)
    if needing:
        raise DocumentError(
            f"flagd knows no prerequisites, and {', '.join(needing[:20])} would be served without; "
            "leave these flags out, or write the other flag's rule into theirs"
        )
    shared = {"$evaluators": dict(evaluators)} if evaluators else {}
    return {"$schema": SCHEMA, "flags": dict(definitions), **shared}


def _object(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key) or {}
    if not isinstance(found, dict):
        raise DocumentError(f"{key} is {shown(found)}; it must be an object")
    return dict(found)


def _by_key(flags: Any) -> dict[str, Any]:
    if isinstance(flags, dict):
        return dict(flags)
    if not isinstance(flags, list):
        raise DocumentError(f"flags are {shown(flags)}; they must be an object by key")
    for flag in flags:
        if not isinstance(flag, dict) or not isinstance(flag.get("key"), str):
            raise DocumentError(f"{shown(flag)} in the list of flags has no key")
    return {flag["key"]: {name: part for name, part in flag.items() if name != "key"} for flag in flags}


def _with_metadata(definition: Any, common: Mapping[str, Any]) -> Any:
    own = definition.get("metadata") if isinstance(definition, dict) else None
    if not common or not isinstance(definition, dict) or not isinstance(own, dict | None):
        return definition
    return {**definition, "metadata": {**common, **(own or {})}}
