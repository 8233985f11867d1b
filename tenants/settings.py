"""The declared settings: which there are, what each may hold, and what is refused, with the way out.

`settings.yaml` says it once for all organizations. Pure: the only I/O is reading that file, once.
"""

import difflib
import json
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tenants.secrecy import looks_secret, name_looks_secret

Type = Literal["number", "integer", "string", "boolean", "object", "url", "flag"]
TYPES: tuple[str, ...] = get_args(Type)
LARGEST = 64 * 1024  # characters of a value as JSON: every pod holds all of them
FILE = Path(__file__).parent / "settings.yaml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}/[A-Za-z][A-Za-z0-9_.-]{0,62}")
_STORE = (
    "put it into a Secret (`kubectl -n org-<slug> create secret generic …`) or your secret store, and mount it: "
    "settings are read by every pod and stand in the history"
)
_DEEPEST = 32


class Setting(BaseModel):
    """What one `service/key` may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Type
    description: str = Field(min_length=1)
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[Any, ...] | None = None
    pattern: str | None = None
    max_length: int | None = None
    secret: bool = False
    approval: bool = False
    read_only: bool = False

    @property
    def rule(self) -> str:
        """What a value has to be, in words."""
        return "".join([_ARTICLES[self.type], *self._bounds()])

    def _bounds(self) -> Iterator[str]:
        if self.minimum is not None:
            yield f" from {self.minimum:g}"
        if self.maximum is not None:
            yield f" to {self.maximum:g}"
        if self.enum is not None:
            yield f", one of {', '.join(map(str, self.enum))}"
        if self.pattern is not None:
            yield f" that matches {self.pattern}"
        if self.max_length is not None:
            yield f" of at most {self.max_length} characters"

    def allows(self, value: Any) -> bool:
        """Whether a value keeps the rule."""
        return (
            _FITS[self.type](value)
            and (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.enum is None or value in self.enum)
            and (self.pattern is None or re.fullmatch(self.pattern, value) is not None)
            and (self.max_length is None or len(value) <= self.max_length)
        )


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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_https(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 2048 or any(c.isspace() for c in value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False


_FITS: dict[str, Callable[[Any], bool]] = {
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "url": _is_https,
    "flag": lambda value: isinstance(value, bool | dict),
}
_ARTICLES = {
    "number": "a number",
    "integer": "a whole number",
    "string": "a text",
    "boolean": "true or false",
    "object": "a JSON object",
    "url": "an address such as https://hooks.example/x, without user and password",
    "flag": "true, false, or a flag definition with state, variants and defaultVariant",
}
