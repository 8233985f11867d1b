"""Change sets at work: applied at once, at their time or after an approval; all of it or nothing, and never twice.

What waits is a row. Whoever applies it locks the row, writes the settings and notes the end in one transaction: a
replica that dies in between has done nothing, and another one goes on.
"""

from datetime import UTC, datetime

from database import change_sets, members, settings, users
from database.change_sets import Asked, ChangeSet, State
from database.errors import DatabaseFault, VersionMismatch
from database.pool import Connection
from database.settings import Row
from service import config_rules
from service.access import OPERATOR
from service.config_bodies import change_of
from service.config_scope import PLATFORM, Scope
from service.problems import Problem
from service.services import Services, log
from tenants.permissions import permissions_of


async def begin(scope: Scope, asked: Asked) -> tuple[ChangeSet, list[Row]]:
    """Keep it if it has to wait, else apply it; with the rows that it wrote. Raise VersionMismatch, nothing stored."""
    changes = [change_of(one) for one in asked.changes]
    if asked.needs_approval or asked.apply_at is not None:
        state: State = "WAITING" if asked.needs_approval else "SCHEDULED"
        async with scope.transaction() as connection:
            return await change_sets.add(connection, scope.org_id, asked, state), []
    async with scope.transaction(actor=asked.actor, reason=asked.reason) as connection:
        rows = await settings.write(connection, scope.org_id, changes)
        made = await change_sets.add(connection, scope.org_id, asked, "APPLIED", revision=rows[0].revision)
    scope.announce(rows)
    return made, rows


async def approve(scope: Scope, found: ChangeSet, note: str) -> ChangeSet:
    """Agree to what somebody else asked for: it is applied, or waits for its time. Raise a Problem."""
    if OPERATOR in (found.actor, scope.caller):
        raise Problem(
            403, "nobody-known", "An approval is between two people",
            "the shared OPERATOR_TOKEN names nobody: log in, or use a token of your own (OPERATOR_TOKENS)",
        )  # fmt: skip
    if found.actor == scope.caller:
        raise Problem(
            403, "own-change", "Nobody approves a change of their own",
            f"{found.actor} asked for it; somebody else has to approve it, logged in as themselves",
        )  # fmt: skip
    rows: list[Row] = []
    async with scope.transaction(actor=found.actor, reason=found.reason) as connection:
        locked = await _locked(connection, found, "WAITING")
        if locked.apply_at is not None and locked.apply_at > datetime.now(UTC):
            return await change_sets.move(connection, locked, "SCHEDULED", approver=scope.caller, note=note)
        ended, rows = await _apply(connection, locked, approver=scope.caller, note=note)
    scope.announce(rows)
    return ended


async def end(scope: Scope, found: ChangeSet, state: State, note: str) -> ChangeSet:
    """Reject or cancel what still waits; raise a Problem if it does not."""
    async with scope.transaction() as connection:
        waits = ("WAITING",) if state == "REJECTED" else ("WAITING", "SCHEDULED")
        locked = await _locked(connection, found, *waits)
        return await change_sets.move(connection, locked, state, ended_by=scope.caller, note=note)


async def apply_due(services: Services) -> int:
    """Apply what is due, of all organizations, in its order; how many were. What cannot be applied has FAILED.

    What somebody asked for who may not change settings any more is CANCELLED.
    """
    applied = 0
    for org_id, change_set_id in await change_sets.due(services.database):
        try:
            applied += await _apply_due(Scope(services, org_id, "", "platform"), change_set_id)
        except DatabaseFault as error:  # one that cannot be applied now keeps no other from its time
            log.warning("change set %s of organization %d is tried again: %s", change_set_id, org_id, error)
    return applied


async def _apply_due(scope: Scope, change_set_id: str) -> bool:
    async with scope.transaction() as connection:
        found = await change_sets.read(connection, scope.org_id, change_set_id)
    if found is None:
        return False
    counts = await _may_still(scope, found.actor)
    async with scope.transaction(actor=found.actor, reason=found.reason) as connection:
        locked = await change_sets.read(connection, scope.org_id, change_set_id, lock=True)
        if locked is None or locked.state != "SCHEDULED":
            return False  # another replica was faster, or somebody cancelled it
        ended, rows = await _apply(connection, locked) if counts else (await _cancel(connection, locked), [])
    scope.announce(rows)
    log.info("change set %s of organization %d: %s", ended.id, ended.org_id, ended.state)
    return True


async def _may_still(scope: Scope, actor: str) -> bool:
    """Whether a person may still change these settings; who has no address has a token of the platform's."""
    if "@" not in actor or actor.startswith(f"{OPERATOR}:"):
        return True
    async with scope.services.database.transaction() as connection:
        account = await users.by_email(connection, actor)
        held = await members.roles(connection, scope.org_id)
    if account is None:
        return False
    needed = "settings:change" if scope.org_id != PLATFORM else "platform:change"
    return any(needed in permissions_of(role) for role in (account.user.platform_role, held.get(actor)) if role)


async def _cancel(connection: Connection, found: ChangeSet) -> ChangeSet:
    note = f"{found.actor} may not change settings any more"
    return await change_sets.move(connection, found, "CANCELLED", ended_by="system", note=note)


async def _apply(
    connection: Connection, found: ChangeSet, *, approver: str | None = None, note: str | None = None
) -> tuple[ChangeSet, list[Row]]:
    """Write all of it and note the end, in the caller's transaction; what is refused by now writes nothing."""
    changes = [change_of(one) for one in found.changes]
    by = approver or found.approver or found.actor
    try:
        config_rules.check_all(changes, fields_of(len(changes)))
        async with connection.transaction():
            rows = await settings.write(connection, found.org_id, changes)
    except (VersionMismatch, Problem) as refused:
        problem = mismatch(refused) if isinstance(refused, VersionMismatch) else refused
        failed = await change_sets.move(
            connection, found, "FAILED", approver=approver, ended_by=by, problem=problem.body(), note=note
        )
        return failed, []
    revision = rows[0].revision
    ended = await change_sets.move(
        connection, found, "APPLIED", approver=approver, ended_by=by, revision=revision, note=note
    )
    return ended, rows


async def _locked(connection: Connection, found: ChangeSet, *states: State) -> ChangeSet:
    locked = await change_sets.read(connection, found.org_id, found.id, lock=True)
    if locked is None or locked.state not in states:
        state = locked.state if locked else "gone"
        raise Problem(
            409, "not-waiting", "The change set does not wait any more", f"it is {state}; ask for a new one",
            more={"state": state},
        )  # fmt: skip
    return locked


def fields_of(count: int) -> list[str]:
    """Where the values of a change set stand."""
    return [f"changes.{number}" for number in range(count)]


def mismatch(error: VersionMismatch) -> Problem:
    """412: both versions, and the way out."""
    return Problem(
        412, "outdated", "The setting was changed since", str(error), headers={"ETag": f'"{error.found}"'},
        more={"setting": error.name, "version": error.found, "expected": error.expected},
    )  # fmt: skip
