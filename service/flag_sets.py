"""Flags of an organization in force, as `liveconfig` evaluates them in pods, and the report of stale ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from database import settings as rows
from database.settings import Snapshot
from liveconfig import flags
from liveconfig.flags import FlagSet
from service.config_scope import Scope
from service.config_views import Effective, all_effective, tag
from service.problems import FieldError, Problem
from tenants import settings

DEFAULT_SERVICE = "features"  # whose flags are named by their key alone


@dataclass(frozen=True)
class Flags:
    """The flags of one service; `settings` by key, without its shared rules."""

    service: str
    settings: dict[str, Effective]
    evaluators: Any

    def set(self) -> FlagSet:
        """The same, ready for evaluation."""
        return FlagSet({key: one.value for key, one in self.settings.items()}, self.evaluators)


@dataclass(frozen=True)
class AllFlags:
    """Flags by service, and the tag of the snapshot that they are of."""

    services: dict[str, Flags]
    tag: str

    def of(self, name: str) -> tuple[FlagSet, str]:
        """Where a flag `key` or `service/key` is looked for, and its key there."""
        service, slash, key = name.partition("/")
        found = self.services.get(service if slash else DEFAULT_SERVICE)
        return (found.set() if found else FlagSet({})), key if slash else name


async def read(scope: Scope) -> AllFlags:
    """Every flag that is in force, by one statement."""
    async with scope.transaction() as connection:
        snapshot = await rows.snapshot(connection, scope.org_id)
    return AllFlags(_by_service(scope.org_id, snapshot), tag(snapshot))


def _by_service(org_id: int, snapshot: Snapshot) -> dict[str, Flags]:
    found: dict[str, Flags] = {}
    effective = {one.name: one for one in all_effective(org_id, snapshot.rows)}
    for name, one in effective.items():
        service, _, key = name.partition("/")
        declared = settings.setting(name)
        if declared is not None and declared.type == "flag" and one.value is not None:
            shared = effective.get(f"{service}/evaluators")
            evaluators = shared.value if shared else None
            found.setdefault(service, Flags(service, {}, evaluators)).settings[key] = one
    return found


def read_flagd(body: bytes, service: str) -> dict[str, Any]:
    """The settings that a flagd file makes of `service`; raise a Problem with everything that is wrong."""
    try:
        definitions, evaluators = flags.from_flagd(json.loads(body))
    except ValueError as error:
        raise Problem(400, "no-flagd-file", "The body is no flagd file", str(error)) from error
    found = flags.check_set(definitions, evaluators)
    errors = tuple(FieldError(one.path, one.message) for one in found)
    if errors:
        raise Problem(422, "invalid-setting", "A flag breaks the grammar", f"{found[0]}; nothing was changed", errors)
    shared = {f"{service}/evaluators": evaluators} if evaluators else {}
    return {**{f"{service}/{key}": definition for key, definition in definitions.items()}, **shared}


def stale(found: AllFlags, now: datetime | None = None) -> Sequence[dict[str, Any]]:
    """Flags that could go, why and since when, by `service/key`. Evaluations in pods are not counted here."""
    report: list[dict[str, Any]] = []
    for service in found.services.values():
        changed = {key: one.updated_at for key, one in service.settings.items() if one.updated_at is not None}
        usage = {key: flags.Usage(at) for key, at in changed.items()}
        definitions = {key: service.settings[key].value for key in changed}
        for one in flags.stale(definitions, usage, now or datetime.now(UTC), evaluators=service.evaluators or {}):
            where = {"name": f"{service.service}/{one.key}", "service": service.service, "key": one.key}
            report.append({**where, "why": one.why, "since": one.since.isoformat(), "variant": one.variant})
    return sorted(report, key=lambda one: str(one["name"]))
