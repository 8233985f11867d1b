"""An organization's members and its workloads' identity."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import metadata
from tenants import names
from tenants.permissions import RULES, RoleName
from tenants.plan import BindingPlan, TenantPlan

_RBAC = "rbac.authorization.k8s.io"


def register_cluster_role(role: RoleName, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Register the ClusterRole behind an organization role; it grants nothing until a RoleBinding names it."""
    return k8s.rbac.v1.ClusterRole(
        f"role-{role}",
        metadata=metadata(names.cluster_role(role)),
        rules=[
            k8s.rbac.v1.PolicyRuleArgs(api_groups=[rule.group], resources=list(rule.resources), verbs=list(rule.verbs))
            for rule in RULES[role]
        ],
        opts=opts,
    )


def register_access(plan: TenantPlan, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Register a RoleBinding for each role that somebody holds, and the tokenless default ServiceAccount."""
    account = k8s.core.v1.ServiceAccount(
        f"{plan.slug}-service-account",
        metadata=metadata(names.SERVICE_ACCOUNT, plan.namespace),
        automount_service_account_token=False,
        opts=opts,
    )
    return [account, *(_binding(plan, binding, opts) for binding in plan.bindings)]


def _binding(plan: TenantPlan, binding: BindingPlan, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    return k8s.rbac.v1.RoleBinding(
        f"{plan.slug}-{binding.role}s",
        metadata=metadata(binding.name, plan.namespace),
        role_ref=k8s.rbac.v1.RoleRefArgs(api_group=_RBAC, kind="ClusterRole", name=binding.cluster_role),
        subjects=[k8s.rbac.v1.SubjectArgs(api_group=_RBAC, kind="User", name=user) for user in binding.users],
        opts=opts,
    )
