"""Settings as readers see them: the organization's own value over the platform's over the declared default."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.setting_history import Past, Version
from database.settings import Row, Snapshot
from service.config_scope import PLATFORM
from tenants import settings


@dataclass(frozen=True)
class Effective:
    """One setting in force. `version` and `revision` are the scope's own: 0 if it never set it."""

    name: str
    value: Any
    source: str
    version: int
    revision: int
    updated_at: datetime | None

    def shown(self) -> dict[str, Any]:
        """The same as JSON."""
        service, _, key = self.name.partition("/")
        at = self.updated_at.isoformat() if self.updated_at else None
        return {**vars(self), "service": service, "key": key, "updated_at": at}


def effective(name: str, own: Row | None, platform: Row | None) -> Effective:
    """The setting in force, of the scope's own row and the platform's; `source` says whose value it is."""
    version, revision = (own.version, own.revision) if own else (0, 0)
    if own is not None and own.value is not None:
        source = "organization" if own.org_id != PLATFORM else "platform"
        return Effective(name, own.value, source, version, revision, own.updated_at)
    if platform is not None and platform.value is not None:
        return Effective(name, platform.value, "platform", version, revision, platform.updated_at)
    default = settings.defaults().get(name)
    return Effective(name, default, "unset" if default is None else "default", version, revision, None)


def all_effective(org_id: int, rows: Iterable[Row]) -> list[Effective]:
    """Every setting that is declared by name or was ever set, by name."""
    own: dict[str, Row] = {}
    platform: dict[str, Row] = {}
    for row in rows:
        (own if row.org_id == org_id else platform)[row.name] = row
    names = sorted(own.keys() | platform.keys() | settings.defaults().keys())
    return [effective(name, own.get(name), platform.get(name)) for name in names]


def tag(snapshot: Snapshot) -> str:
    """`ETag` of everything in force."""
    return f'"{snapshot.epoch}.{snapshot.revision}.{snapshot.platform_revision}"'


def shown_version(version: Version) -> dict[str, Any]:
    """One change of a history."""
    return {**vars(version), "changed_at": version.changed_at.isoformat()}


def shown_past(past: Past) -> dict[str, Any]:
    """A setting as it was, and the change that had made it so."""
    return {"name": past.name, **vars(past), "changed_at": past.changed_at.isoformat()}


def differences(before: Iterable[Past], after: Iterable[Past]) -> list[dict[str, Any]]:
    """What the later one has otherwise, by name, each with the change that made it so."""
    earlier: Mapping[str, Past] = {one.name: one for one in before}
    return [
        {
            "name": one.name, "service": one.service, "key": one.key, "before": old.value if old else None,
            "after": one.value, "version": one.version, "revision": one.revision, "actor": one.actor,
            "reason": one.reason,
        }
        for one in after
        if (old := earlier.get(one.name)) is None or old.value != one.value
    ]  # fmt: skip
