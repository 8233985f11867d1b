"""What is added to an organization's lists and maps, and what is taken away: from options to the whole ones."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.answers import Described
from cli.errors import Misused

Entries = Mapping[str, Any]  # None stands for one that is taken away
Given = tuple[Sequence[str], Sequence[str]]  # as options: what is added, what is taken away
_ADDED = {"members": "--add-member EMAIL=ROLE", "labels": "--label KEY=VALUE", "configs": "--set SERVICE/KEY=VALUE"}
_ONE = {"members": "member", "labels": "label", "configs": "setting"}


@dataclass(frozen=True)
class Edits:
    """By the API's names: members by e-mail address, labels and configs by key; and whether the login is a new one."""

    entries: Mapping[str, Entries]
    rotates: bool

    @classmethod
    def read(cls, *, members: Given, labels: Given, configs: Given, rotates: bool) -> "Edits":
        """From options; raise Misused if one cannot be read."""
        read = {
            "members": _entries("members", members, _before_the_last),
            "labels": _entries("labels", labels, _before_the_first),
            "configs": _entries("configs", configs, _setting),
        }
        return cls({name: entries for name, entries in read.items() if entries}, rotates)

    def names(self) -> set[str]:
        """What is edited."""
        return self.entries.keys() | ({"database"} if self.rotates else set())

    def of(self, found: Described, *, repeated: bool) -> dict[str, Any]:
        """What is edited as a whole, of the organization as it was found.

        Raise Misused if there is not what is to be taken away; a call that is `repeated` may have taken it away itself.
        """
        if found.members is None:
            raise Misused(f"{found.slug} is managed by {found.managed_by}, not by the API.", "Change it there.")
        roles = {member.email: member.role for member in found.members}
        now: dict[str, Entries] = {"members": roles, "labels": found.labels, "configs": found.configs}
        body: dict[str, Any] = {
            name: _edited(name, now[name], entries, repeated=repeated) for name, entries in self.entries.items()
        }
        if "members" in body:
            body["members"] = [{"email": email, "role": role} for email, role in body["members"].items()]
        if self.rotates:
            body["database"] = {"rotation": found.database.rotation + 1}
        return body


def _edited(name: str, now: Entries, entries: Entries, *, repeated: bool) -> dict[str, Any]:
    missing = [key for key, value in entries.items() if value is None and key not in now]
    if missing and not repeated:
        there = f"There are: {', '.join(now)}." if now else "There are none."
        raise Misused(f"There is no {_ONE[name]} {', '.join(missing)}. Nothing was done.", there)
    return {key: value for key, value in {**now, **entries}.items() if value is not None}


def _entries(name: str, given: Given, split: Callable[[str], tuple[str, Any]]) -> Entries:
    (added, removed), option = given, _ADDED[name].split()
    found: dict[str, Any] = {}
    for text in added:
        key, value = split(text)
        if not key or value is None:
            raise Misused(f"{option[0]} {text!r} is not of the form {option[1]}.")
        found[key] = value
    if both := sorted(found.keys() & set(removed)):
        raise Misused(f"The {_ONE[name]} {', '.join(both)} is to be added and to be taken away.", "Give one of both.")
    return found | dict.fromkeys(removed)


def _before_the_first(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    return key, value if equals else None


def _before_the_last(text: str) -> tuple[str, Any]:
    """An e-mail address may hold the sign itself."""
    key, _, value = text.rpartition("=")
    return key, value or None


def _setting(text: str) -> tuple[str, Any]:
    """A number, true and false as such; anything else is text, and what stands in double quotes."""
    key, value = _before_the_first(text)
    if value is None:
        return key, None
    try:
        plain = json.loads(value)
    except ValueError:
        return key, value
    return key, plain if isinstance(plain, bool | int | float | str) else value
