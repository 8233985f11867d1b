"""One organization as Pulumi resources: the row, the namespace, everything that isolates it, and the gate last."""

from dataclasses import dataclass

import pulumi

from components.access import register_access
from components.live_configuration import Channel, register_live_configuration
from components.network import register_network
from components.postgres import TenantDatabase, register_logins
from components.quota import register_quota
from provider.resources import ConfigDefaults, IsolationGate, NamespaceClaim, OrganizationRow
from tenants.plan import TenantPlan


@dataclass(frozen=True)
class OrganizationProps:
    """What an organization needs beside its plan: who manages it, its settings' hook, its database and its channel.

    `reservation` is the operation that has reserved its row, if one has.
    """

    plan: TenantPlan
    managed_by: str
    config_hooks: pulumi.ResourceHookBinding
    database: TenantDatabase
    channel: Channel
    unprotect: bool = False
    reservation: str | None = None


class Organization(pulumi.ComponentResource):
    """An isolated tenant. Takes all providers of `components.connections` from `opts`.

    What holds the customer's data, the row and the namespace, is protected until its plan says otherwise.
    Everything inside the namespace goes with it on deletion, in one step: isolation is never taken down piece by
    piece around running pods.
    """

    org_id: pulumi.Output[str]

    def __init__(self, name: str, props: OrganizationProps, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("agent-ready:tenancy:Organization", name, None, opts)
        plan = props.plan
        kept = pulumi.ResourceOptions(parent=self, protect=plan.protected and not props.unprotect)
        row = OrganizationRow(
            f"{plan.slug}-row",
            slug=plan.slug,
            display_name=plan.name,
            plan=plan.plan,
            managed_by=props.managed_by,
            quota=plan.sizes,
            database_rotation=plan.database.current,
            retention_days=plan.retention_days,
            members=plan.members,
            reservation=props.reservation,
            opts=kept,
        )
        namespace = NamespaceClaim(
            f"{plan.slug}-namespace",
            name=plan.namespace,
            labels=plan.labels,
            operation_id=row.operation_id,
            adopt=plan.adopt,
            opts=kept,
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace], deleted_with=namespace)
        isolation = [
            *register_quota(plan, inside),
            *register_network(plan, inside),
            *register_access(plan, inside),
        ]
        with_row = pulumi.ResourceOptions(parent=self, deleted_with=row)
        logins = register_logins(plan, row, props.database, with_row, inside)
        live = register_live_configuration(plan, row, logins.password, props.channel, with_row, inside)
        configs = ConfigDefaults(
            f"{plan.slug}-configs",
            org_id=row.id,
            values={f"{config.service}/{config.key}": config.value for config in plan.configs},
            opts=pulumi.ResourceOptions(parent=self, deleted_with=row, hooks=props.config_hooks),
        )
        IsolationGate(
            f"{plan.slug}-gate",
            org_id=row.id,
            namespace=plan.namespace,
            uid=namespace.uid,
            network_policies=[policy.name for policy in plan.network_policies],
            role_bindings=[binding.name for binding in plan.bindings],
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*isolation, *logins.resources, *live, configs], deleted_with=namespace
            ),
        )
        self.org_id = row.id
        self.register_outputs({"namespace": plan.namespace, "org_id": row.id})
