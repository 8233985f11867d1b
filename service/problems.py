"""RFC 9457 problem details: what went wrong, which rule it broke, and the way out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from service.errors import ServiceError
from tenants.model import CrossFieldError

MEDIA_TYPE = "application/problem+json"
TYPES = "https://agent-ready.io/problems/"
# Where the model's fields came from, in the caller's own words.
_SAID: dict[tuple[str, ...], tuple[str, ...]] = {("members", "0", "email"): ("owner_email",)}


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with a request: the dotted path of the field and what to do about it."""

    field: str
    problem: str


@dataclass
class Problem(ServiceError):
    """An answer that says no. `kind` ends the problem's type; `more` are further members of it."""

    status: int
    kind: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.title}: {self.detail}"

    def body(self) -> dict[str, Any]:
        """The problem's members."""
        described = {"type": TYPES + self.kind, "title": self.title, "status": self.status, "detail": self.detail}
        if self.errors:
            described["errors"] = [vars(error) for error in self.errors]
        return {**described, **self.more}


def stored(problem: Mapping[str, Any]) -> Problem:
    """The problem that an operation has kept."""
    known = ("type", "title", "status", "detail")
    more = {key: value for key, value in problem.items() if key not in known}
    return Problem(
        problem["status"], problem["type"].removeprefix(TYPES), problem["title"], problem["detail"], more=more
    )


def invalid(error: ValidationError | Iterable[Mapping[str, Any]]) -> Problem:
    """Every field that pydantic refused, at once."""
    found = error.errors() if isinstance(error, ValidationError) else error
    errors = tuple(dict.fromkeys(one for each in found for one in _explain(each)))
    where = ", ".join(dict.fromkeys(one.field for one in errors if one.field)) or "the body"
    return Problem(
        422, "invalid-request", "The request is not valid",
        f"{len(errors)} problem{'s' if len(errors) != 1 else ''}: {where}; nothing was changed", errors,
    )  # fmt: skip


def _explain(error: Mapping[str, Any]) -> Iterator[FieldError]:
    path = tuple(str(part) for part in error["loc"] if part != "body")
    if error["type"] == "extra_forbidden":
        yield FieldError(_dotted(path), "is unknown here; remove it (/openapi.json lists what there is)")
    elif error["type"] == "missing":
        yield FieldError(_dotted(path), "is missing; it is required")
    elif error["type"] == "value_error" and isinstance(error["ctx"]["error"], CrossFieldError):
        yield from (FieldError(_dotted(where), text) for where, text in error["ctx"]["error"].problems)
    elif error["type"] == "value_error":
        yield FieldError(_dotted(path), str(error["ctx"]["error"]))
    else:
        yield FieldError(_dotted(path), error["msg"])


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(_SAID.get(path, path))
