"""One setting's declaration: its type, its bounds, and whether a value keeps them."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

Type = Literal["number", "integer", "string", "boolean", "object", "url", "flag"]


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
