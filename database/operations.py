"""Rows of `tenancy.operations`: what was asked for once, who works on it, how far it got, what came of it.

A worker holds an operation by a lease with a number. Every write names the number, so that one that was paused past
its lease changes nothing when it wakes: it meets LeaseLost.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from database import denylist, invitations, members, organizations
from database.errors import Busy, InvitationOver, LeaseLost, SlugTaken
from database.organizations import Facts
from database.pool import Connection, Database, fetch_all, fetch_one
from database.sql import query

Kind = Literal["create", "quota", "change", "repair", "delete"]
OWNER = "api"  # `managed_by` of every organization that an operation makes
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for. `request` is the organization as it is to be, `answer` what is told of it in the end.

    `jti` names the token that they asked with, `invitation_id` the invitation that is accepted by it.
    """

    id: str
    kind: Kind
    slug: str
    caller: str
    key: str
    request_hash: str
    request: Json
    answer: Json
    reason: str = ""
    token_hash: str | None = None
    request_id: str = ""
    jti: str | None = None
    invitation_id: str | None = None


@dataclass(frozen=True)
class Lease:
    """The right to write one operation, for as long as nobody has taken a higher `number`."""

    operation_id: str
    number: int

    def parameters(self) -> dict[str, object]:
        """The same for a statement."""
        return {"id": self.operation_id, "number": self.number}


@dataclass(frozen=True)
class Holder:
    """Who takes leases, and for how many seconds at a time."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Operation:
    """One operation as it stands; `organization_operation_id` is what its organization's Namespace carries."""

    id: str
    kind: Kind
    slug: str
    org_id: int
    caller: str
    request_hash: str
    request: dict[str, Any]
    reason: str
    request_id: str
    state: Literal["PENDING", "COMMITTED", "FAILED"]
    way: str | None
    attempt: int
    undoing: bool
    lease_number: int
    answer: dict[str, Any]
    problem: dict[str, Any] | None
    token_hash: str | None
    created_at: datetime
    ended_at: datetime | None
    saved_at: datetime | None
    organization_operation_id: str
    stack: str | None
    organization_status: str

    @property
    def lease(self) -> Lease:
        """The lease as of when this was read."""
        return Lease(self.id, self.lease_number)


@dataclass(frozen=True)
class Step:
    """One thing that was done for an operation. `id` counts up over all operations."""

    id: int
    step: str
    detail: str
    at: datetime


@dataclass(frozen=True)
class Reserved:
    """The operation of a key; `is_new` is false if an earlier request has made it."""

    operation: Operation
    is_new: bool


class _KeyInUse(Exception):
    """The transaction is rolled back: the key has an operation already, or the organization is busy."""


async def reserve(
    database: Database, wanted: Wanted, holder: Holder, *, facts: Facts | None = None, org_id: int = 0,
    based_on: str | None = None,
) -> Reserved:  # fmt: skip
    """Make the operation, leased to `holder`, or find the one that its caller's key has made before.

    With `facts` the organization's row is made in the same transaction, PENDING, and SlugTaken raised if it cannot be;
    without, it is the living organization `org_id`, and Busy is raised while another operation changes it or its stack:
    a stack that converges to what was asked for before would set this change back. Busy as well if the organization is
    no longer as the operation `based_on` described it: `wanted` would set back what was changed since.

    Who asks is judged again here, when their turn has come: raise TokenRevoked or InvitationOver.
    """
    actor = OWNER if facts is not None else wanted.caller
    try:
        async with database.transaction(
            actor=actor, reason=wanted.reason or wanted.kind, request_id=wanted.request_id
        ) as connection:
            if facts is not None:
                org_id = await organizations.reserve(
                    connection, wanted.slug, facts, managed_by=OWNER, operation_id=wanted.id
                )
            else:
                await connection.execute(query("operations.lock_organization"), {"org_id": org_id})
            await denylist.check_good(connection, wanted.jti)
            if wanted.invitation_id is not None:
                await members.lock_living(connection, org_id)  # as whoever withdraws it does: no deadlock
                await invitations.accept(connection, wanted.invitation_id)
            return Reserved(await _insert(connection, wanted, holder, org_id, based_on), is_new=True)
    except (_KeyInUse, SlugTaken, InvitationOver) as refused:
        async with database.transaction() as connection:
            found = await _by_key(connection, wanted)
        if found is not None:
            return Reserved(found, is_new=False)
        if not isinstance(refused, _KeyInUse):
            raise
        raise Busy(f"another operation changes {wanted.slug!r} right now; try again when it has ended") from refused


async def _insert(
    connection: Connection, wanted: Wanted, holder: Holder, org_id: int, based_on: str | None
) -> Operation:
    values = {
        **vars(wanted), "org_id": org_id, "holder": holder.name, "seconds": holder.seconds, "based_on": based_on,
        "request": json.dumps(wanted.request), "answer": json.dumps({"id": org_id, **wanted.answer}),
    }  # fmt: skip
    if await fetch_one(connection, query("operations.reserve"), **values) is None:
        raise _KeyInUse
    made = await read(connection, wanted.id)
    assert made is not None, "inserted by this transaction"  # noqa: S101
    return made


async def _by_key(connection: Connection, wanted: Wanted) -> Operation | None:
    found = await fetch_one(connection, query("operations.by_key"), caller=wanted.caller, key=wanted.key)
    return await read(connection, found["id"]) if found else None


async def find(database: Database, caller: str, key: str) -> Operation | None:
    """The operation that this caller's key has made, or None."""
    async with database.transaction() as connection:
        found = await fetch_one(connection, query("operations.by_key"), caller=caller, key=key)
        return await read(connection, found["id"]) if found else None


async def read(connection: Connection, operation_id: str) -> Operation | None:
    """The operation with that id, or None."""
    found = await fetch_one(connection, query("operations.read"), id=operation_id)
    return Operation(**found) if found else None


async def take(database: Database, operation_id: str, holder: Holder) -> Operation | None:
    """Lease an operation whose lease has run out and that is not at its end; None if there is no such.

    Raises the lease's number and counts an attempt. None as well while another operation changes the organization.
    """
    async with database.transaction() as connection:
        await connection.execute(query("operations.lock_organization_of"), {"id": operation_id})
        taken = await fetch_one(
            connection, query("operations.take"), id=operation_id, holder=holder.name, seconds=holder.seconds
        )
        return await read(connection, operation_id) if taken else None


async def prolong(database: Database, lease: Lease, seconds: float) -> None:
    """Hold it for so many seconds from now on; 0 lets go of it. Raise LeaseLost."""
    async with database.statement() as connection:
        await _write(connection, "operations.prolong", lease, seconds=seconds)


async def put_back(database: Database, lease: Lease, seconds: float) -> None:
    """Let go of it in so many seconds as if it had not been attempted. Raise LeaseLost."""
    async with database.statement() as connection:
        await _write(connection, "operations.put_back", lease, seconds=seconds)


async def add_steps(database: Database, lease: Lease, done: Sequence[tuple[str, str]]) -> None:
    """Record what was done, (step, detail) in its order. Raise LeaseLost."""
    names, details = zip(*done, strict=True)
    async with database.statement() as connection:
        await _write(connection, "operations.add_steps", lease, steps=list(names), details=list(details))


async def keep_deployed(database: Database, lease: Lease, *, way: str | None, stack: str) -> None:
    """Record which stack holds the organization, and which way it was deployed. Raise LeaseLost."""
    async with database.transaction() as connection:
        if way is not None:
            await _write(connection, "operations.keep_way", lease, way=way)
        await _write(connection, "operations.keep_stack", lease, stack=stack)


async def begin_undo(database: Database, lease: Lease) -> bool:
    """Forbid the operation ever to be committed, if it is not yet; return whether it is being undone. Raise LeaseLost.

    From here on neither the claim of its row nor the gate's commit succeeds, whoever tries.
    """
    async with database.statement() as connection:
        return bool((await _write(connection, "operations.begin_undo", lease))["undoing"])


async def check_held(connection: Connection, lease: Lease) -> None:
    """Keep the operation from being taken over until the transaction ends. Raise LeaseLost if it was, or has ended."""
    await _write(connection, "operations.check_held", lease)


async def commit(connection: Connection, lease: Lease, answer: Json, *, saved: bool) -> None:
    """End an operation that no gate commits; `answer` is added to its own. Raise LeaseLost."""
    await _write(connection, "operations.commit", lease, answer=json.dumps(answer), saved=saved)


async def fail(database: Database, lease: Lease, problem: Json, *, stays: Json | None = None) -> None:
    """End it as FAILED with the problem that its caller is told; a quota change even after it was answered.

    With `stays` the organization is not what it was before but that, by a committed change of the system's, on which
    the next one builds. Raise LeaseLost.
    """
    async with database.transaction() as connection:
        await _write(connection, "operations.fail", lease, problem=json.dumps(problem))
        if stays is not None:
            await _write(connection, "operations.stays", lease, request=json.dumps(stays))


async def mark_saved(database: Database, lease: Lease) -> None:
    """Record that the stack's state knows what was committed, by this operation and before it. Raise LeaseLost."""
    async with database.statement() as connection:
        await _write(connection, "operations.mark_saved", lease)


async def recoverable(database: Database, most: int = 100) -> list[str]:
    """Ids of operations that nobody works on and that are not at their end, longest waiting first."""
    async with database.statement() as connection:
        return [row["id"] for row in await fetch_all(connection, query("operations.recoverable"), most=most)]


async def steps(database: Database, operation_id: str, after: int = 0) -> list[Step]:
    """What was done for the operation, in order; only steps whose id is above `after`."""
    async with database.statement() as connection:
        found = await fetch_all(connection, query("operations.steps"), operation_id=operation_id, after=after)
    return [Step(**row) for row in found]


async def counts(database: Database) -> dict[tuple[str, str], int]:
    """How many operations there are by (kind, state)."""
    async with database.statement() as connection:
        found = await fetch_all(connection, query("operations.count_by_state"))
    return {(row["kind"], row["state"]): row["count"] for row in found}


async def is_superseded(database: Database, operation_id: str) -> bool:
    """Whether a newer operation, that has not failed, has changed the organization since."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("operations.is_superseded"), id=operation_id)
    return bool(found and found["superseded"])


async def request_before(database: Database, operation_id: str) -> dict[str, Any] | None:
    """The organization as it was before this operation, or None if it made it."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("operations.request_before"), id=operation_id)
    return found["request"] if found else None


async def _write(connection: Connection, name: str, lease: Lease, **values: Any) -> dict[str, Any]:
    found = await fetch_one(connection, query(name), **lease.parameters(), **values)
    if found is None:
        raise LeaseLost(f"operation {lease.operation_id} is no longer held by lease {lease.number}, or has ended")
    return found
