"""`plan()`: from an organization to the whole of its tenant. Pure; everything else copies from its result.

Pulumi's components, the self-service API, the preview and the cost report all read this one decision, so that none
of them can disagree about what an organization gets.
"""

import json
from dataclasses import dataclass

from tenants import names, settings
from tenants.fields import MIRRORED, SettingValue
from tenants.model import Organization
from tenants.permissions import ROLES, RoleName
from tenants.quantity import format_bytes, format_count, format_cpu

DNS_NAMESPACE = "kube-system"
DNS_PORT = 53
DATABASE_PORT = 5432
REDIS_PORT = 6380
RELAY_PORT = 8443


@dataclass(frozen=True)
class BindingPlan:
    """One RoleBinding: the members that hold `role`, as cluster users, sorted."""

    name: str
    role: RoleName
    cluster_role: str
    users: tuple[str, ...]


@dataclass(frozen=True)
class Peer:
    """The other end of allowed traffic: pods (by label; empty means all) in one namespace."""

    namespace: str
    pod_labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Port:
    """A port and its protocol (TCP or UDP)."""

    number: int
    protocol: str = "TCP"


@dataclass(frozen=True)
class TrafficRule:
    """Traffic to or from one peer; no ports means all of them."""

    peer: Peer
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True)
class NetworkPolicyPlan:
    """One NetworkPolicy over all pods of the namespace. A direction that is listed and has no rule is closed."""

    name: str
    directions: tuple[str, ...]
    ingress: tuple[TrafficRule, ...] = ()
    egress: tuple[TrafficRule, ...] = ()


@dataclass(frozen=True)
class LimitPlan:
    """Per-container defaults and bounds, and the largest volume claim, as Kubernetes quantities."""

    default: dict[str, str]
    default_request: dict[str, str]
    maximum: dict[str, str]
    largest_volume: str


@dataclass(frozen=True)
class ConfigDefault:
    """The first value of one live setting; `value` is JSON text."""

    service: str
    key: str
    value: str


@dataclass(frozen=True)
class DatabasePlan:
    """Logins to PostgreSQL by generation, the one in the Secret last; `statement_timeout` in milliseconds."""

    generations: tuple[int, ...]
    connections: int
    statement_timeout: int

    @property
    def current(self) -> int:
        """The generation that the Secret holds."""
        return self.generations[-1]


@dataclass(frozen=True)
class TenantPlan:
    """Everything that one organization consists of. `adopt`: the UID of its namespace if that is to be imported.

    `members` are roles by e-mail address.
    """

    slug: str
    name: str
    plan: str
    namespace: str
    adopt: str | None
    labels: dict[str, str]
    quota: dict[str, str]
    limits: LimitPlan
    members: dict[str, RoleName]
    bindings: tuple[BindingPlan, ...]
    network_policies: tuple[NetworkPolicyPlan, ...]
    configs: tuple[ConfigDefault, ...]
    sizes: dict[str, str]
    database: DatabasePlan
    protected: bool
    retention_days: int


def plan(organization: Organization) -> TenantPlan:
    """Decide what `organization` is. Pure and total: a valid organization always has a plan."""
    return TenantPlan(
        slug=organization.slug,
        name=organization.name,
        plan=organization.plan,
        namespace=names.namespace(organization.slug),
        adopt=organization.adopt,
        labels=_labels(organization),
        quota=_quota(organization),
        limits=_limits(organization),
        members={member.email: member.role for member in organization.members},
        bindings=_bindings(organization),
        network_policies=_network_policies(organization),
        configs=_configs(organization),
        sizes=_sizes(organization),
        database=_database(organization),
        protected=organization.protected,
        retention_days=organization.retention_days,
    )


def _labels(organization: Organization) -> dict[str, str]:
    security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {
        **organization.labels,
        "app.kubernetes.io/managed-by": "agent-ready-k8s",
        names.ORGANIZATION_LABEL: organization.slug,
        names.PLAN_LABEL: organization.plan,
        **{names.EXPOSE_LABELS[kind]: "true" for kind in sorted(set(organization.network.expose))},
        **security,
    }


def _quota(organization: Organization) -> dict[str, str]:
    sizes, counts = organization.sizes(), organization.commercial_plan
    cpu, memory, scratch = (
        format_cpu(sizes.cpu),
        format_bytes(sizes.memory),
        format_bytes(organization.ephemeral_storage),
    )
    balancers = counts.load_balancers if "LoadBalancer" in organization.network.expose else 0
    return {
        "requests.cpu": cpu,
        "limits.cpu": cpu,
        "requests.memory": memory,
        "limits.memory": memory,
        "requests.storage": format_bytes(sizes.storage),
        "requests.ephemeral-storage": scratch,
        "limits.ephemeral-storage": scratch,
        "pods": format_count(organization.pods),
        "services": format_count(counts.services),
        # A load balancer takes node ports too; which types may be made at all is an admission policy's matter.
        "services.nodeports": format_count(counts.node_ports if organization.network.expose else 0),
        "services.loadbalancers": format_count(balancers),
        "configmaps": format_count(counts.configmaps),
        "secrets": format_count(counts.secrets),
        "persistentvolumeclaims": format_count(counts.volumes),
    }


def _limits(organization: Organization) -> LimitPlan:
    sizes = organization.sizes()
    return LimitPlan(
        default=_at_most({"cpu": 500, "memory": 512 * 2**20, "ephemeral-storage": 2**30}, organization),
        default_request=_at_most({"cpu": 100, "memory": 128 * 2**20, "ephemeral-storage": 128 * 2**20}, organization),
        maximum={"cpu": format_cpu(sizes.cpu), "memory": format_bytes(sizes.memory)},
        largest_volume=format_bytes(sizes.storage),
    )


def _at_most(wanted: dict[str, int], organization: Organization) -> dict[str, str]:
    """Per-container amounts, lowered where the whole organization has less."""
    sizes = organization.sizes()
    bounds = {
        "cpu": sizes.cpu,
        "memory": sizes.memory,
        "ephemeral-storage": organization.ephemeral_storage,
    }
    least = {resource: min(amount, bounds[resource]) for resource, amount in wanted.items()}
    return {
        resource: format_cpu(amount) if resource == "cpu" else format_bytes(amount)
        for resource, amount in least.items()
    }


def _bindings(organization: Organization) -> tuple[BindingPlan, ...]:
    holders: dict[RoleName, list[str]] = {role: [] for role in ROLES}
    for member in organization.members:
        holders[member.role].append(names.cluster_user(member.email))
    return tuple(
        BindingPlan(names.role_binding(role), role, names.cluster_role(role), tuple(sorted(users)))
        for role, users in holders.items()
        if users
    )


def _network_policies(organization: Organization) -> tuple[NetworkPolicyPlan, ...]:
    network = organization.network
    incoming = (
        NetworkPolicyPlan(names.allow_from(other), ("Ingress",), ingress=(TrafficRule(Peer(names.namespace(other))),))
        for other in sorted(set(network.allow_from))
    )
    outgoing = (
        NetworkPolicyPlan(names.allow_to(other), ("Egress",), egress=(TrafficRule(Peer(names.namespace(other))),))
        for other in sorted(set(network.allow_to))
    )
    return (
        NetworkPolicyPlan(names.DEFAULT_DENY, ("Ingress", "Egress")),
        NetworkPolicyPlan(names.BASELINE_EGRESS, ("Egress",), egress=_baseline_egress()),
        *incoming,
        *outgoing,
    )


def _baseline_egress() -> tuple[TrafficRule, ...]:
    dns = Peer(DNS_NAMESPACE, (("k8s-app", "kube-dns"),))
    services = (("database", DATABASE_PORT), ("redis", REDIS_PORT), ("config-relay", RELAY_PORT))
    return (
        TrafficRule(dns, (Port(DNS_PORT, "UDP"), Port(DNS_PORT, "TCP"))),
        *(
            TrafficRule(Peer(names.PLATFORM_NAMESPACE, (("app.kubernetes.io/name", name),)), (Port(port),))
            for name, port in services
        ),
    )


def _sizes(organization: Organization) -> dict[str, str]:
    sizes = organization.sizes()
    return {
        "cpu": format_cpu(sizes.cpu),
        "memory": format_bytes(sizes.memory),
        "storage": format_bytes(sizes.storage),
    }


def _database(organization: Organization) -> DatabasePlan:
    current, limits = organization.database.rotation, organization.commercial_plan
    return DatabasePlan(
        generations=tuple(range(max(1, current - 1), current + 1)),
        connections=limits.database_connections,
        statement_timeout=limits.statement_timeout,
    )


def _configs(organization: Organization) -> tuple[ConfigDefault, ...]:
    mirrored: dict[str, SettingValue] = {f"{MIRRORED}/{key}": size for key, size in _sizes(organization).items()}
    values = {**organization.configs, **mirrored}
    return tuple(_config(name, values[name]) for name in sorted(values))


def _config(name: str, value: SettingValue) -> ConfigDefault:
    service, _, key = name.partition("/")
    return ConfigDefault(service, key, json.dumps(settings.stored(name, value)))
