"""Documents of settings, YAML or JSON: `settings` by `service/key`, as export writes and import reads them."""

from collections.abc import Mapping
from typing import Any

import yaml

from database.settings import Snapshot
from service.problems import Problem
from tenants import settings


def document(org_id: int, snapshot: Snapshot) -> dict[str, Any]:
    """The scope's own values; what the platform writes is left out."""
    return {"revision": snapshot.revision, "settings": _own(org_id, snapshot)}


def read(body: bytes) -> dict[str, Any]:
    """The values of a document; raise a Problem: 400 if it is neither YAML nor JSON, 422 if it is something else."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(body, yaml.SafeLoader)):
            raise Problem(400, "not-yaml", "The document uses aliases", "write each value out")
        loaded = yaml.safe_load(body)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        place = f"line {where.line + 1}" if where else "somewhere"
        raise Problem(400, "not-yaml", "The document is neither YAML nor JSON", f"it breaks in {place}") from error
    found = loaded.get("settings") if isinstance(loaded, dict) else None
    if not isinstance(found, dict) or not found or not all(isinstance(name, str) and "/" in name for name in found):
        raise Problem(
            422, "invalid-request", "The document is no export of settings",
            "it holds `settings`, an object by service/key, such as {settings: {ai/threshold: 0.7}}",
        )  # fmt: skip
    return found


def changes(org_id: int, snapshot: Snapshot, wanted: Mapping[str, Any], *, replace: bool) -> list[dict[str, Any]]:
    """What has to change, as a change set asks for it, each at the version that it was found at."""
    own = {name: settings.stored(name, value) for name, value in _own(org_id, snapshot).items()}
    versions = {row.name: row.version for row in snapshot.rows if row.org_id == org_id}
    new = {
        name: value for name, value in wanted.items() if name not in own or own[name] != settings.stored(name, value)
    }
    gone = sorted(own.keys() - wanted.keys()) if replace else []
    asked = [{**_named(name), "value": value} for name, value in sorted(new.items())]
    asked += [{**_named(name), "unset": True} for name in gone]
    return [{**one, "if_version": versions.get(f"{one['service']}/{one['key']}", 0)} for one in asked]


def _own(org_id: int, snapshot: Snapshot) -> dict[str, Any]:
    return {
        row.name: row.value
        for row in snapshot.rows
        if row.org_id == org_id and row.value is not None and not _is_read_only(row.name)
    }


def _is_read_only(name: str) -> bool:
    one = settings.setting(name)
    return one is not None and one.read_only


def _named(name: str) -> dict[str, Any]:
    service, _, key = name.partition("/")
    return {"service": service, "key": key}
