"""What the API answers about settings, change sets and flags."""

from typing import Any

from cli.answers import Answer


class Setting(Answer):
    """A setting in force; `source` says whose value it is, `version` is the scope's own."""

    name: str
    value: Any = None
    source: str
    version: int
    revision: int
    updated_at: str | None = None


class Settings(Answer):
    """Every setting, at one revision."""

    revision: int
    items: list[Setting]


class PastSetting(Answer):
    """A setting as it was, and who had made it so, why and when."""

    name: str
    value: Any = None
    version: int
    revision: int
    actor: str
    reason: str
    changed_at: str


class Past(Answer):
    """Its own settings as they were at a revision."""

    revision: int
    items: list[PastSetting]


class Version(Answer):
    """One change of a setting."""

    version: int
    revision: int
    old_value: Any = None
    new_value: Any = None
    actor: str
    reason: str
    changed_at: str


class History(Answer):
    """Changes of a setting, newest first."""

    items: list[Version]


class Changed(Answer):
    """A setting that differs between two revisions."""

    name: str
    before: Any = None
    after: Any = None
    revision: int
    actor: str
    reason: str


class Difference(Answer):
    """What differs."""

    items: list[Changed]


class ChangeSet(Answer):
    """Several settings that change together; `revision` once it is APPLIED, `problem` if it FAILED."""

    id: str
    state: str
    changes: list[dict[str, Any]]
    reason: str
    actor: str
    approver: str | None = None
    apply_at: str | None = None
    revision: int | None = None
    problem: dict[str, Any] | None = None

    @property
    def names(self) -> str:
        """What it changes."""
        return ", ".join(f"{one.get('service')}/{one.get('key')}" for one in self.changes)


class ChangeSets(Answer):
    """Change sets, newest first."""

    items: list[ChangeSet]


class Imported(Answer):
    """What came of a document: the change set's state, or UNCHANGED; `changes` are what differed."""

    id: str | None = None
    state: str
    revision: int | None = None
    changes: list[dict[str, Any]]


class StaleFlag(Answer):
    """A flag that could go, why, and since when; `variant` is the one that is left."""

    name: str
    why: str
    since: str
    variant: str | None = None


class StaleFlags(Answer):
    """All of them."""

    items: list[StaleFlag]
