"""Which fields of a resource change, as text that may be shown: no secret ever is.

The engine blinds what is marked secret. Beyond that, nothing is shown of fields whose names speak of secrets, of
Secret objects and of providers; that such a field changes is said, its value is not.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.review_events import Step, redact

_SECRET_WORDS = frozenset({"password", "passwd", "passphrase", "secret", "token", "credential", "credentials"})
_KEYS = frozenset({"api", "access", "private", "signing", "encryption"})
_CLOSED_KINDS = ("pulumi:providers:", "random:", "kubernetes:core/v1:Secret")
_CLOSED_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_BLINDED = "[secret]"
_SIGNATURE = "4dabf18193072939515e22adb298388d"  # Pulumi's mark of a wrapped value (resource.SigKey)
_LONGEST = 200


@dataclass(frozen=True)
class FieldChange:
    """One field: its text before and after, None where there is none. `hidden`: it changes and is not shown."""

    path: str
    before: str | None
    after: str | None
    hidden: bool = False


def differences(step: Step) -> tuple[FieldChange, ...]:
    """The fields that differ between the resource's old and new inputs, and those that only the provider names."""
    if step.kind.startswith(_CLOSED_KINDS):
        changed = sorted({path for path, _, _ in _differ("", step.old, step.new)} | set(step.touched))
        return tuple(FieldChange(path, None, None, hidden=True) for path in changed)
    found = [_field(path, before, after) for path, before, after in _differ("", step.old, step.new)]
    seen = [change.path for change in found]
    for path in (re.sub(r'\["([^"]+)"\]', r".\1", path) for path in (*step.touched, *step.replacing)):
        if not any(path.startswith(other) or other.startswith(path) for other in seen):
            found.append(FieldChange(path, None, None, hidden=True))
            seen.append(path)
    return tuple(found)


def net_members(bindings: Iterable[Step]) -> Iterator[FieldChange]:
    """Who comes, goes or holds another role, over all of an organization's RoleBindings."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for step in bindings:
        for inputs, members in ((step.old, before), (step.new, after)):
            role = str((inputs.get("roleRef") or {}).get("name", "")).rpartition(":")[2]
            for subject in inputs.get("subjects") or ():
                members[str(subject.get("name", "")).partition(":")[2]] = role
    for email in sorted(before.keys() | after.keys()):
        if before.get(email) != after.get(email):
            yield FieldChange(f"member {email}", before.get(email), after.get(email))


def is_secret(path: str) -> bool:
    """Whether the field's own name, or one above it, speaks of a secret (`secrets`, a count, does not)."""
    for part in re.split(r"[./\[\]]", path):
        words = {word.lower() for word in _CLOSED_WORDS.findall(part)}
        if words & _SECRET_WORDS or ("key" in words and words & _KEYS) or {"database", "url"} <= words:
            return True
    return False


def _differ(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """(path, before, after) of every difference; a list that grows or shrinks tells its items that come and go."""
    if old == new:
        return
    if _is_blinded(old) or _is_blinded(new):
        yield path, _BLINDED, _BLINDED
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _differ(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) == len(new) and all(isinstance(item, Mapping) for item in (*old, *new)):
            for index, (before, after) in enumerate(zip(old, new, strict=True)):
                yield from _differ(f"{path}[{index}]", before, after)
        else:
            gone, come = Counter(map(_text, old)), Counter(map(_text, new))
            yield path, sorted((gone - come).elements()) or None, sorted((come - gone).elements()) or None
    elif isinstance(old, Mapping) or isinstance(new, Mapping):
        yield from _differ(path, old or {}, new or {})
    else:
        yield path, old, new


def _is_blinded(value: Any) -> bool:
    return isinstance(value, Mapping) and _SIGNATURE in value


def _field(path: str, before: Any, after: Any) -> FieldChange:
    values = [value for value in (before, after) if value is not None]
    harmless = all(isinstance(value, bool | int | float) for value in values)
    if (is_secret(path) and not harmless) or any(_BLINDED in _text(value) for value in values):
        return FieldChange(path, None, None, hidden=True)
    return FieldChange(path, _shown(before), _shown(after))


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    text = ", ".join(value) if isinstance(value, list) else _text(value)
    text = redact(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(value: Any) -> str:
    """A value as one line; an item of a list that has a name (a subject, a port) is called by it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return str(value["name"])
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
