"""An organization's members in the cluster: who is removed is out at once, and the stack follows.

Only RoleBindings say what a person may do in the namespace, so that no token has to be revoked for it.
"""

import asyncio

from cluster.api import ClusterApi, Json
from cluster.applying import owned
from tenants import names
from tenants.permissions import ROLES
from tenants.plan import BindingPlan, TenantPlan

_GROUP = "rbac.authorization.k8s.io"


async def bind(api: ClusterApi, plan: TenantPlan) -> None:
    """Have exactly the plan's RoleBindings of the organization's roles; what is so already is left alone.

    Raise ClusterError, also where the namespace is missing and somebody is to be bound in it.
    """
    collection = f"/apis/{_GROUP}/v1/namespaces/{plan.namespace}/rolebindings"
    wanted = {binding.role: binding for binding in plan.bindings}
    paths = {role: f"{collection}/{names.role_binding(role)}" for role in ROLES}
    await asyncio.gather(*(_have(api, path, wanted.get(role)) for role, path in paths.items()))


async def _have(api: ClusterApi, path: str, wanted: BindingPlan | None) -> None:
    found = await api.get(path)
    if wanted is None:
        if found is not None:
            await api.delete(path, uid=found["metadata"]["uid"])
        return
    body = _binding(wanted, found)
    if found is None or _users(found) != _users(body):
        await api.apply(path, body, manager=names.FIELD_MANAGER)


def _binding(wanted: BindingPlan, found: Json | None) -> Json:
    """As components/access.py registers it."""
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": owned(found) if found else {"name": wanted.name, "labels": {names.BASELINE_LABEL: "true"}},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": wanted.cluster_role},
        "subjects": [{"apiGroup": _GROUP, "kind": "User", "name": user} for user in wanted.users],
    }


def _users(binding: Json) -> list[tuple[str, str]]:
    return sorted((subject["kind"], subject["name"]) for subject in binding.get("subjects", ()))
