"""Members of an organization: who may change whose role, and what holds the moment that it is changed."""

from cluster import members as cluster_members
from database import members, operations
from database.operations import Operation
from service.access import Caller, check
from service.problems import Problem
from service.services import Services
from tenants.model import Organization
from tenants.permissions import ROLES, RoleName
from tenants.plan import plan

GOVERNED = frozenset({"owner", "admin"})  # whose roles take members:govern


async def hold(services: Services, operation: Operation, organization: Organization, *, why: str = "") -> None:
    """Have exactly the organization's members, in the database and in the cluster; what is so already is left alone.

    With `why` it is set back. A membership that ends or changes ends the tokens that spoke by it: when this returns,
    this replica refuses them and the others have been told. Can be repeated. Raises LeaseLost, DatabaseError,
    ClusterError.
    """
    planned, actor = plan(organization), "system" if why else operation.caller
    async with services.database.transaction(
        actor=actor, reason=why or operation.reason, request_id=operation.request_id
    ) as connection:
        await operations.check_held(connection, operation.lease)
        await members.lock_living(connection, operation.org_id)
        await members.sync(connection, operation.org_id, planned.members)
    await services.identity.sessions.announce()
    await cluster_members.bind(services.cluster, planned)


def roles_of(organization: Organization) -> dict[str, RoleName]:
    """Roles by address."""
    return {member.email: member.role for member in organization.members}


def with_role(caller: Caller, organization: Organization, email: str, role: RoleName | None) -> dict[str, RoleName]:
    """The members with this one in that role, or without them; raise a Problem if the caller may not do that.

    Everybody may leave. 404 if nobody is there to be removed, 409 if no owner would be left.
    """
    before = roles_of(organization)
    if role is not None or email != caller.name:
        check(caller, "members:govern" if {before.get(email), role} & GOVERNED else "members:change")
    if role is None and email not in before:
        raise no_such_member(organization.slug, email)
    after = {other: held for other, held in before.items() if other != email}
    return _with_an_owner(organization.slug, after | ({email: role} if role else {}))


def transferred(organization: Organization, giver: str, to: str) -> dict[str, RoleName]:
    """The members with `to` as an owner and `giver`, an owner so far, as an admin; raise a Problem."""
    before = roles_of(organization)
    if to not in before:
        raise no_such_member(organization.slug, to)
    if before.get(giver) != "owner" or giver == to:
        raise Problem(
            409, "not-an-owner", "The ownership is not theirs to give",
            f"{giver} is {before.get(giver, 'no member')} of {organization.slug!r}; name another owner in `from`",
        )  # fmt: skip
    return before | {giver: "admin", to: "owner"}


def described(members_after: dict[str, RoleName]) -> dict[str, list[dict[str, str]]]:
    """The change of the organization that brings these members."""
    return {"members": [{"email": email, "role": role} for email, role in members_after.items()]}


def kept(before: Organization, after: Organization) -> tuple[Organization, str]:
    """The organization as it was before a change that is set back, and what is otherwise, in words.

    Rights that the change has taken are not given back: each member has the lower of both roles, and who was removed
    stays out. Where nobody would own it then, the members are as the change wanted them.
    """
    had, has = roles_of(before), roles_of(after)
    lower = {email: max(role, has[email], key=ROLES.index) for email, role in had.items() if email in has}
    if lower == had:
        return before, ""
    if "owner" not in lower.values():
        return before.model_copy(update={"members": after.members}), "members: as asked for, else nobody would own it"
    taken = [f"{email} is {lower.get(email, 'out')}" for email, role in had.items() if lower.get(email) != role]
    left = tuple(one.model_copy(update={"role": lower[one.email]}) for one in before.members if one.email in lower)
    return before.model_copy(update={"members": left}), f"members: what was taken stays taken ({', '.join(taken)})"


def no_such_member(slug: str, email: str) -> Problem:
    """404: nobody of that address belongs to it."""
    return Problem(
        404, "no-such-member", "There is no such member",
        f"{email!r} does not belong to {slug!r}; GET /v1/organizations/{slug}/members lists who does",
    )  # fmt: skip


def _with_an_owner(slug: str, after: dict[str, RoleName]) -> dict[str, RoleName]:
    if "owner" not in after.values():
        raise Problem(
            409, "last-owner", "An organization has an owner",
            f"nobody would own {slug!r}; make somebody else owner first "
            f"(POST /v1/organizations/{slug}/members/transfer)",
        )  # fmt: skip
    return after
