"""People with accounts and tokens, without the work of passwords; and who belongs where."""

from typing import Any

from database import staff, users
from database.users import Account
from service.identity.claims import CLI
from service.identity.standing import Granted
from tenants import names
from tests.integration.service.conftest import OPERATOR, Replica, Stage
from tests.integration.service.identity_stage import bearer

Headers = dict[str, str]
_NO_PASSWORD = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"


async def granted(replica: Replica, email: str, slug: str | None = None) -> Granted:
    """What a log-in gives them, for that organization; the account is made if there is none."""
    sessions = replica.services.identity.sessions
    async with replica.services.database.transaction() as connection:
        user = await users.put_password(connection, email, _NO_PASSWORD)
    return await sessions.grant(await sessions.begin_by(Account(user, _NO_PASSWORD), CLI, organization=slug))


async def headers_of(replica: Replica, email: str, slug: str | None = None) -> Headers:
    """The header that they send."""
    return bearer(await granted(replica, email, slug))


async def staff_of(replica: Replica, role: str) -> Headers:
    """Somebody with a role on the platform."""
    email = f"{role}@platform.example"
    async with replica.services.database.transaction(actor="test") as connection:
        await staff.put(connection, email, role)
    return await headers_of(replica, email)


async def joined(replica: Replica, slug: str, **roles: str) -> None:
    """Have these people, by their first names, in these roles beside the owner that signed up: ada."""
    members = [{"email": f"{name}@acme.example", "role": role} for name, role in {"ada": "owner", **roles}.items()]
    body: dict[str, Any] = {"members": members, "reason": "to be there"}
    answer = await replica.client.patch(f"/v1/organizations/{slug}", json=body, headers=OPERATOR)
    assert answer.status_code == 200, answer.text


def roles(stage: Stage, slug: str) -> dict[str, str]:
    """Memberships as the database has them."""
    found = stage.rows(
        "select m.email, m.role from tenancy.memberships m join tenancy.organizations o on o.id = m.org_id "
        "where o.slug = %s and o.status <> 'DELETED'", slug,
    )  # fmt: skip
    return {row["email"]: row["role"] for row in found}


async def bound(replica: Replica, slug: str) -> dict[str, list[str]]:
    """Who is bound to which role in the cluster."""
    collection = f"/apis/rbac.authorization.k8s.io/v1/namespaces/org-{slug}/rolebindings"
    held = {}
    for role in ("owner", "admin", "member", "viewer"):
        found = await replica.services.cluster.get(f"{collection}/{names.role_binding(role)}")
        if found:
            held[role] = [subject["name"].removeprefix("agent-ready:") for subject in found.get("subjects", ())]
    return held
