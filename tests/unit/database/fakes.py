"""PostgreSQL in memory: the named queries of database/queries answered from dictionaries, with real rollbacks.

It knows each query by its name, so that a test shows what the code does with rows, not how SQL is spelled; that the
SQL itself does this is what the integration tests show on a real server.
"""

import copy
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from database.errors import DatabaseFault
from database.pool import Connection, Database
from database.sql import query

Row = dict[str, Any]
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def jsonb_text(text: str) -> str:
    """A JSON text as jsonb gives it back: numbers without exponent, characters unescaped."""
    value = json.loads(text, parse_float=Decimal)
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


@dataclass
class State:
    """Every table, as far as the control plane's queries see them."""

    organizations: dict[int, Row] = field(default_factory=dict)
    configs: dict[tuple[int, str, str], Row] = field(default_factory=dict)
    outbox: list[Row] = field(default_factory=list)
    logins: dict[str, Row] = field(default_factory=dict)
    credentials: dict[int, str] = field(default_factory=dict)
    members: dict[int, dict[str, str]] = field(default_factory=dict)
    dropped_roles: list[str] = field(default_factory=list)
    migrations: list[Row] | None = None
    buckets: dict[bytes, int] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)


class FakeCursor:
    """The rows of one statement."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    async def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None

    async def fetchall(self) -> list[Row]:
        return self._rows


class FakeConnection:
    """Answers named queries; any other statement is only recorded."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def execute(self, statement: str, parameters: Row | None = None) -> FakeCursor:
        for name, answer in _ANSWERS.items():
            if statement == query(name):
                return FakeCursor(copy.deepcopy(answer(self.state, **(parameters or {}))))
        self.state.statements.append(statement)
        return FakeCursor([])


class FakeDatabase(Database):
    """`contexts` lists the (org_id, actor, reason) of every transaction."""

    def __init__(self) -> None:
        self.state = State()
        self.contexts: list[tuple[int | None, str, str]] = []

    async def close(self) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def transaction(
        self, *, org_id: int | None = None, actor: str = "", reason: str = "", request_id: str = ""
    ) -> AsyncIterator[Connection]:
        self.contexts.append((org_id, actor, reason))
        before = copy.deepcopy(self.state)
        try:
            yield cast(Connection, FakeConnection(self.state))
        except BaseException:
            self.state = before
            raise

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Connection]:
        yield cast(Connection, FakeConnection(self.state))

    def organization(self, org_id: int) -> Row:
        """One row of organizations."""
        return self.state.organizations[org_id]

    def waiting(self) -> list[tuple[int, str, str, int]]:
        """(org_id, service, key, version) of each hint that nobody has published."""
        return [(r["org_id"], r["service"], r["key"], r["version"]) for r in self.state.outbox if not r["published_at"]]


def _claim(state: State, *, slug: str, quota: str, **facts: Any) -> list[Row]:
    if any(row["slug"] == slug for row in state.organizations.values()):
        return []
    org_id = len(state.organizations) + 1
    state.organizations[org_id] = {
        "id": org_id,
        "slug": slug,
        "status": "PENDING",
        "operation_id": f"op-{org_id}",
        "deleted_at": None,
        "quota": json.loads(quota),
        **facts,
    }
    return [state.organizations[org_id]]


def _living(state: State, org_id: int, managed_by: str | None = None) -> list[Row]:
    row = state.organizations.get(org_id)
    ours = row is not None and row["status"] != "DELETED" and managed_by in (None, row["managed_by"])
    return [row] if row and ours else []


def _describe(state: State, *, id: int, managed_by: str, quota: str, database_rotation: int, **facts: Any) -> list[Row]:
    rows = [r for r in _living(state, id, managed_by) if database_rotation - r["database_rotation"] in (0, 1)]
    return _update(rows, quota=json.loads(quota), database_rotation=database_rotation, **facts)


def _bind(state: State, *, role_name: str, org_id: int, generation: int, verifier: str) -> list[Row]:
    row = {"role_name": role_name, "org_id": org_id, "generation": generation, "verifier": verifier}
    state.logins[role_name] = row
    return [row]


def _bound(state: State, *, org_id: int) -> list[Row]:
    return sorted((r for r in state.logins.values() if r["org_id"] == org_id), key=lambda r: int(r["generation"]))


def _drop_login(state: State, *, role_name: str) -> list[Row]:
    if role_name not in state.logins:
        raise DatabaseFault(f"role {role_name} belongs to no organization and is left alone")
    state.dropped_roles.append(role_name)
    return []


def _drop_all(state: State, *, org_id: int) -> list[Row]:
    state.dropped_roles += [login["role_name"] for login in _bound(state, org_id=org_id)]
    return []


def _unbind(state: State, *, role_name: str) -> list[Row]:
    state.logins.pop(role_name, None)
    return []


def _unbind_all(state: State, *, org_id: int) -> list[Row]:
    state.logins = {name: login for name, login in state.logins.items() if login["org_id"] != org_id}
    return []


def _put_credential(state: State, *, org_id: int, username: str, password_sha256: str) -> list[Row]:
    if not _living(state, org_id):
        return []
    state.credentials[org_id] = password_sha256
    return [{"org_id": org_id}]


def _credentials(state: State, org_id: int | None = None) -> list[Row]:
    found = sorted(state.credentials.items())
    return [{"org_id": org, "password_sha256": sha} for org, sha in found if org_id in (None, org)]


def _forget_credential(state: State, *, org_id: int) -> list[Row]:
    state.credentials.pop(org_id, None)
    return []


def _sync_members(state: State, *, org_id: int, emails: list[str], roles: list[str]) -> list[Row]:
    state.members[org_id] = dict(zip(emails, roles, strict=True))
    return []


def _roles(state: State, *, org_id: int) -> list[Row]:
    return [{"email": email, "role": role} for email, role in sorted(state.members.get(org_id, {}).items())]


def _update(rows: list[Row], **changes: Any) -> list[Row]:
    for row in rows:
        row.update(changes)
    return rows


def _put(state: State, *, org_id: int, service: str, key: str, value: str | None, source: str) -> list[Row]:
    found = state.configs.get((org_id, service, key))
    stored = None if value is None else jsonb_text(value)
    if found and (found["source"] != source or found["value"] == stored):
        return []
    row = {
        "service": service,
        "key": key,
        "value": stored,
        "version": found["version"] + 1 if found else 1,
        "source": source,
    }
    state.configs[org_id, service, key] = row
    hint = {"org_id": org_id, "service": service, "key": key, "version": row["version"]}
    state.outbox.append({"id": len(state.outbox) + 1, "published_at": None, **hint})
    return [row]


def _put_all(state: State, *, org_id: int, services: list[str], keys: list[str], values: list[str]) -> list[Row]:
    rows = sorted(zip(services, keys, values, strict=True))
    changed = [_put(state, org_id=org_id, service=s, key=k, value=v, source="catalog") for s, k, v in rows]
    return [row for rows in changed for row in rows]


def _unset_others(state: State, *, org_id: int, services: list[str], keys: list[str]) -> list[Row]:
    wanted = set(zip(services, keys, strict=True))
    others = [(row["service"], row["key"]) for row in state.configs.values()
              if row["source"] == "catalog" and row["value"] is not None
              and (row["service"], row["key"]) not in wanted]  # fmt: skip
    changed = [_put(state, org_id=org_id, service=s, key=k, value=None, source="catalog") for s, k in others]
    return [row for rows in changed for row in rows]


def _mark(state: State, *, ids: list[int]) -> list[Row]:
    return _update([row for row in state.outbox if row["id"] in ids], published_at=NOW)


def _unpublished(state: State, *, most: int) -> list[Row]:
    columns = ("id", "org_id", "service", "key", "version")
    return [{key: row[key] for key in columns} for row in state.outbox if not row["published_at"]][:most]


def _forget_configs(state: State, *, id: int) -> list[Row]:
    state.configs = {key: row for key, row in state.configs.items() if key[0] != id}
    return []


def _forget_outbox(state: State, *, id: int) -> list[Row]:
    state.outbox = [row for row in state.outbox if row["org_id"] != id]
    return []


def _take(state: State, *, address: bytes, each: float, burst: int) -> list[Row]:
    """A bucket that gains nothing: no time passes."""
    state.buckets[address] = min(state.buckets.get(address, 0), burst) + 1
    return [{"wait": each if state.buckets[address] > burst else 0.0}]


def _prepare(state: State) -> list[Row]:
    state.migrations = state.migrations or []
    return []


def _record(state: State, *, version: int, name: str, checksum: str) -> list[Row]:
    assert state.migrations is not None, "prepared first"
    state.migrations.append({"version": version, "name": name, "checksum": checksum})
    return []


def _drop(state: State) -> list[Row]:
    state.migrations, state.organizations, state.configs, state.outbox = None, {}, {}, []
    return []


def _count(state: State) -> list[Row]:
    alive = [row["slug"] for row in state.organizations.values() if row["status"] != "DELETED"]
    return [{"living": len(alive), "some": ", ".join(alive[:5])}]


_ANSWERS: dict[str, Callable[..., list[Row]]] = {
    "organizations.claim": _claim,
    "organizations.by_slug": lambda s, *, slug: [r for r in s.organizations.values() if r["slug"] == slug],
    "organizations.by_id": lambda s, *, id: [r for r in [s.organizations.get(id)] if r],
    "organizations.describe": _describe,
    "organizations.commit": lambda s, *, id: _update(_living(s, id), status="COMMITTED"),
    "organizations.forget_configs": _forget_configs,
    "organizations.forget_outbox": _forget_outbox,
    "organizations.delete": lambda s, *, id, managed_by: _update(
        _living(s, id, managed_by), status="DELETED", deleted_at=NOW
    ),
    "logins.lock_organization": lambda s, *, org_id: _living(s, org_id),
    "logins.of_organization": _bound,
    "logins.bind": _bind,
    "logins.drop": _drop_login,
    "logins.drop_all": _drop_all,
    "logins.unbind": _unbind,
    "logins.unbind_all": _unbind_all,
    "credentials.put": _put_credential,
    "credentials.of_organization": _credentials,
    "credentials.all": _credentials,
    "credentials.forget": _forget_credential,
    "members.sync": _sync_members,
    "members.roles": _roles,
    "configs.put_defaults": _put_all,
    "configs.unset_defaults": _unset_others,
    "configs.all": lambda s, *, org_id: [row for key, row in sorted(s.configs.items()) if key[0] == org_id],
    "configs.unpublished": _unpublished,
    "configs.mark_published": _mark,
    "rates.take": _take,
    "migrations.lock": lambda s: [],
    "migrations.prepare": _prepare,
    "migrations.exists": lambda s: [] if s.migrations is None else [{"there": True}],
    "migrations.applied": lambda s: s.migrations or [],
    "migrations.version": lambda s: [{"version": max([m["version"] for m in s.migrations or []], default=0)}],
    "migrations.record": _record,
    "migrations.living": _count,
    "migrations.drop": _drop,
}
