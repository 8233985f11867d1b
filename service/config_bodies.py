"""What callers send to change settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import AwareDatetime, Field, field_validator, model_validator

from database.change_sets import Asked
from database.settings import Change
from service.bodies import Reason, Strict
from service.problems import Problem
from tenants import settings

MOST = 200
NEWEST = 2**62  # above every version and revision
_SERVICE, _KEY = r"^[a-z][a-z0-9_]{0,62}$", r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$"
Service = Annotated[str, Path(pattern=_SERVICE)]
Key = Annotated[str, Path(pattern=_KEY)]


class PutSetting(Strict):
    """A setting's new value."""

    value: Any = Field(description="As its declaration says; true and false of a flag mean always on, always off")
    reason: Reason

    @field_validator("value")
    @classmethod
    def _something(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("is null; DELETE unsets a setting")
        return value


class Rollback(Strict):
    """Have the value of an earlier version again, as a new version."""

    to_version: int = Field(ge=1, le=NEWEST)
    reason: Reason


class Why(Strict):
    """Nothing but the reason."""

    reason: Reason


class One(Strict):
    """One change of a change set."""

    service: str = Field(pattern=_SERVICE)
    key: str = Field(pattern=_KEY)
    value: Any = Field(None, description="The new value; or `unset`")
    unset: bool = Field(False, description="Fall back to the platform's value, or the default")
    if_version: int | None = Field(
        None, ge=0, le=NEWEST, description="Refuse all unless this one is at that version; 0: never set"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "One":
        if self.unset == (self.value is not None):
            raise ValueError("give either a `value` or `unset: true`")
        return self


class ChangeSet(Strict):
    """Several settings that change together, or not at all."""

    changes: tuple[One, ...] = Field(min_length=1, max_length=MOST, strict=False)
    reason: Reason
    apply_at: Annotated[AwareDatetime, Field(strict=False)] | None = Field(
        None, description="ISO 8601 with offset; now when left out"
    )
    needs_approval: bool = Field(False, description="Wait for somebody else, also where no declaration asks for it")

    @model_validator(mode="after")
    def _each_once(self) -> "ChangeSet":
        names = [f"{one.service}/{one.key}" for one in self.changes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names {', '.join(twice)} more than once; say what it is to be in the end")
        return self

    def asked(self, actor: str, *, needs_approval: bool, apply_at: datetime | None) -> Asked:
        """The same as it is kept."""
        changes = [one.model_dump(mode="json", exclude_defaults=True) for one in self.changes]
        return Asked(changes, self.reason, actor, needs_approval, apply_at)


def change_of(asked: Mapping[str, Any]) -> Change:
    """A change of a change set as the database room takes it."""
    service, key, version = asked["service"], asked["key"], asked.get("if_version")
    value = settings.stored(f"{service}/{key}", asked.get("value"))
    return Change(service, key, value, "any" if version is None else version)


def as_time(text: str) -> datetime:
    """A point in time with its offset; raise a Problem (422)."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Problem(
            422, "invalid-request", "The time cannot be read",
            f"{text!r} is no time; write ISO 8601 with an offset, such as 2026-11-25T20:00:00Z",
        )  # fmt: skip
    return at
