"""The declared settings: which there are, what each may hold, and what is refused, with the way out.

`settings.yaml` says it once for all organizations. Pure: the only I/O is reading that file, once.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tenants.declaration import Setting
from tenants.secrecy import looks_secret, name_looks_secret

LARGEST = 64 * 1024  # characters of a value as JSON: every pod holds all of them
FILE = Path(__file__).parent / "settings.yaml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}/[A-Za-z][A-Za-z0-9_.-]{0,62}")
_STORE = (
    "put it into a Secret (`kubectl -n org-<slug> create secret generic …`) or your secret store, and mount it: "
    "settings are read by every pod and stand in the history"
)
_DEEPEST = 32


@cache
def declared() -> dict[str, Setting]:
    """Every declaration by `service/key` or `service/*`, sorted."""
    loaded = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: Setting.model_validate(loaded[name]) for name in sorted(loaded)}


def setting(name: str) -> Setting | None:
    """The declaration of `service/key`, or None."""
    if not NAME.fullmatch(name):
        return None
    return declared().get(name) or declared().get(f"{name.partition('/')[0]}/*")


def defaults() -> dict[str, Any]:
    """What readers get where nobody has set it: each named setting that is no secret, None without a default."""
    return {
        name: stored(name, one.default)
        for name, one in declared().items()
        if not (name.endswith("/*") or one.secret or one.read_only)
    }


def check(name: str, value: Any) -> tuple[str, ...]:
    """What is wrong with giving a setting this value: the value, the rule and the way out. Empty if nothing is."""
    return tuple(_name_problems(name)) or tuple(_value_problems(name, value))


def stored(name: str, value: Any) -> Any:
    """The value as it is kept: true and false of a flag are short for the flag that is always on, or always off."""
    one = setting(name)
    if one is not None and one.type == "flag" and isinstance(value, bool):
        variant = "on" if value else "off"
        return {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": variant}
    return value


def _name_problems(name: str) -> Iterator[str]:
    one = setting(name)
    if not NAME.fullmatch(name):
        yield f"{name!r} is no setting; write service/key, such as ai/threshold"
    elif one is not None and one.secret:
        yield f"{name} is a secret and never a setting; {_STORE}"
    elif name_looks_secret(name):
        yield f"{name!r} is named like a secret; {_STORE}. If it is none, give it another name"
    elif one is None:
        close = difflib.get_close_matches(name, declared(), n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        yield f"{name!r} is not declared; {meant}Declare it in tenants/settings.yaml, or set one of those there"


def _value_problems(name: str, value: Any) -> Iterator[str]:
    one = declared().get(name) or declared()[f"{name.partition('/')[0]}/*"]
    if (odd := _unstorable(value)) is not None:
        yield f"{name} {odd}"
    elif (where := looks_secret(value)) is not None:
        yield f"{name} holds what looks like a secret ({where}); {_STORE}"
    elif len(json.dumps(value)) > LARGEST:
        yield f"{name} has more than {LARGEST} characters; keep large data in a table or an object store"
    elif not one.allows(value):
        yield f"{_shown(value)} is not allowed for {name}; it is {one.rule}"


def _unstorable(value: Any, depth: int = 0) -> str | None:
    """What JSON and PostgreSQL's jsonb cannot hold, in words; None if all of it can be stored."""
    if depth > _DEEPEST:
        return f"is nested deeper than {_DEEPEST} levels; make it flatter"
    if isinstance(value, dict) and (odd := [key for key in value if not isinstance(key, str)]):
        return f"has {odd[0]!r} for a key, which JSON does not know; write it in quotes (YAML reads a bare on as true)"
    if isinstance(value, dict | list):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return next((found for part in parts if (found := _unstorable(part, depth + 1)) is not None), None)
    if isinstance(value, float) and not math.isfinite(value):
        return f"holds {value}, which is no number of JSON; write a finite one"
    if isinstance(value, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
        return "holds a NUL or half a character (a lone surrogate), which PostgreSQL cannot store; remove it"
    if value is not None and not isinstance(value, bool | int | float | str):
        return f"holds {value!r}, which JSON does not know; write it in quotes"
    return None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
