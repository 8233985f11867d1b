"""Invitations: by a mailed token whoever holds the address joins an organization, with an account from then on."""

import math
from dataclasses import dataclass

from database import denylist, invitations, members, rates, users
from database.directory import Entry
from database.invitations import Invitation, Invited
from database.operations import Wanted
from database.pool import Connection
from service.access import Caller, acting, check
from service.carrying_out import changed
from service.found import find_ours
from service.idempotency import Asking
from service.identity.opaque import digest, new_token
from service.members import GOVERNED, described, roles_of
from service.problems import Problem
from service.services import Services
from tenants.model import Organization
from tenants.permissions import RoleName

LIFETIME = 7 * 86400.0  # seconds
_EACH_OF_ORGANIZATION, _BURST_OF_ORGANIZATION = 60.0, 50  # seconds until one more, and how many at once
_EACH_OF_ADDRESS, _BURST_OF_ADDRESS = 600.0, 5
_MOST = 200  # members and invitations together: as many as an organization has members


@dataclass(frozen=True)
class Accepted:
    """An invitation that its address accepts."""

    invited: Invited

    def wish(self, asked: Asking, _: Entry, now: Organization) -> Wanted:
        """The organization with one more member. Who belongs to it by now keeps the role that they have."""
        after = {self.invited.email: _role(self.invited.role)} | roles_of(now)
        role = after[self.invited.email]
        return changed(now, described(after), asked, "invitation accepted", organization=now.slug, role=role)


async def invite(services: Services, caller: Caller, slug: str, email: str, role: RoleName, reason: str) -> Invitation:
    """Invite an address, and mail it the token; an earlier one of the address counts no more. Raise a Problem."""
    check(caller, needed(role))
    entry, organization = await find_ours(services, slug)
    if email in roles_of(organization):
        raise Problem(
            409, "already-a-member", "They belong to it already",
            f"{email} is {roles_of(organization)[email]} of {slug!r}; PUT …/members/{email} changes that",
        )  # fmt: skip
    await _check_rate(services, f"organization {entry.id}", _EACH_OF_ORGANIZATION, _BURST_OF_ORGANIZATION)
    await _check_rate(services, f"address {email}", _EACH_OF_ADDRESS, _BURST_OF_ADDRESS)
    token = new_token()
    async with services.database.transaction(**caller.acting(reason)) as connection:
        await members.lock_living(connection, entry.id)
        await denylist.check_good(connection, caller.jti)
        await _check_replaced(connection, caller, entry.id, email)
        made = await invitations.add(
            connection, entry.id,
            email=email, role=role, invited_by=caller.name, token_hash=digest(token), seconds=LIFETIME,
        )  # fmt: skip
        await _check_room(connection, entry.id, organization)
    text = _TEXT.format(name=organization.name, role=role, by=caller.name, token=token,
                        address=services.identity.mailed.address)  # fmt: skip
    mailing = services.identity.mailer.send(email, f"Join {organization.name}", text)
    services.work.start(mailing, f"invitation to {slug}")
    return made


async def withdraw(services: Services, caller: Caller, slug: str, org_id: int, invitation_id: str) -> None:
    """Take an invitation back; raise a Problem if there is none, or it is not theirs to take back."""
    async with services.database.transaction(**caller.acting("withdrawn")) as connection:
        await members.lock_living(connection, org_id)
        await denylist.check_good(connection, caller.jti)
        found = await invitations.read(connection, org_id, invitation_id)
        if found is not None:
            check(caller, needed(found.role))
        if found is None or not await invitations.withdraw(connection, org_id, invitation_id):
            raise Problem(
                404, "no-such-invitation", "There is no such invitation",
                f"none with that id waits; GET /v1/organizations/{slug}/invitations lists those that do",
            )  # fmt: skip


async def accept(services: Services, token: str, password: str | None) -> Accepted:
    """What there is to accept, with an account from now on; raise a Problem. A second time finds the same again.

    It is accepted by the operation that follows, in the moment that this is reserved: until then it can be withdrawn.
    """
    token_hash = digest(token)
    async with services.database.transaction() as connection:
        waiting = await invitations.lock(connection, token_hash)
        if waiting is None:
            raise over()
        is_new = not await users.has_password(connection, waiting.email)
    hashed = await _hashed(services, waiting.email, password) if is_new else None
    async with services.database.transaction(**acting(waiting.email, "invitation accepted")) as connection:
        locked = await invitations.lock(connection, token_hash)
        if locked is None:
            raise over()
        if hashed is not None and not await users.has_password(connection, locked.email):
            await _check_enabled(connection, locked.email)
            await users.put_password(connection, locked.email, hashed)
    return Accepted(locked)


def needed(role: str) -> str:
    """The permission to invite somebody in that role, and to take it back."""
    return "members:govern" if role in GOVERNED else "members:change"


async def _hashed(services: Services, email: str, password: str | None) -> str:
    if password is None:
        raise Problem(
            422, "password-needed", "There is no account yet", f"send the `password` that {email} is to log in with"
        )
    services.identity.passwords.check_new(password, email)
    return await services.identity.passwords.hash(password)


async def _check_enabled(connection: Connection, email: str) -> None:
    is_there = await users.lock(connection, email) is not None
    if is_there and await users.by_email(connection, email) is None:
        raise Problem(403, "account-disabled", "The account is disabled", "ask an operator of the platform")


async def _check_replaced(connection: Connection, caller: Caller, org_id: int, email: str) -> None:
    """Nobody takes back, by another one, what they may not take back."""
    for one in await invitations.waiting(connection, org_id):
        if one.email == email:
            check(caller, needed(one.role))


async def _check_rate(services: Services, whose: str, each: float, burst: int) -> None:
    """An organization sends no flood of mail, and nobody is flooded by several."""
    bucket = services.identity.seal.hmac("throttling", f"invitations {whose}")
    wait = math.ceil(await rates.take(services.database, bucket, each=each, burst=burst))
    if wait:
        raise Problem(
            429, "too-many-invitations", "Too many invitations", f"try again in {wait} seconds",
            headers={"Retry-After": str(wait)},
        )  # fmt: skip


async def _check_room(connection: Connection, org_id: int, organization: Organization) -> None:
    waiting = len(await invitations.waiting(connection, org_id))
    if waiting + len(organization.members) > _MOST:
        raise Problem(
            409, "too-many-members", "The organization is full",
            f"{organization.slug!r} has {len(organization.members)} members and {waiting - 1} invitations; "
            f"together they are at most {_MOST}",
        )  # fmt: skip


def _role(text: str) -> RoleName:
    role: RoleName = text  # type: ignore[assignment]  # the column's own rule
    return role


def over() -> Problem:
    """404: it leads to nothing any more."""
    return Problem(
        404, "no-such-invitation", "The invitation does not count",
        "it was withdrawn or replaced, is older than seven days, or never was; ask for another one",
    )  # fmt: skip


_TEXT = """\
{by} invites you to {name}, as {role}.

Accept within 7 days, with this token:

{token}

    agent-ready invitation accept
    (or POST {address}/v1/auth/invitations/accept with "token", and with "password" if you have no account yet)

Whoever has this message can join in your name: delete it afterwards, and if you did not expect it.
"""
