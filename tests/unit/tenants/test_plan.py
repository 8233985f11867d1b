"""plan() decides everything: for any valid organization the tenant is complete, bounded, closed and repeatable."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import names
from tenants.model import Organization
from tenants.plan import Peer, Port, TenantPlan, TrafficRule, plan
from tenants.plans import PLANS
from tenants.settings import stored
from tests.unit.tenants.strategies import organization_data, repeatable, valid_organizations

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
SUFFIXES = {"": 1, "m": Decimal("0.001"), "k": 10**3, "M": 10**6, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def amount(text: str) -> Decimal:
    """A Kubernetes quantity's value, read independently of tenants/quantity.py."""
    match = re.fullmatch(r"(\d+)([a-zA-Z]*)", text)
    assert match, f"{text!r} is no canonical quantity"
    return Decimal(match[1]) * SUFFIXES[match[2]]


def canonical(text: str) -> str:
    """What apimachinery's `Quantity.String()` makes of a quantity: the largest suffix that leaves a whole number."""
    value = amount(text)
    binary = text.endswith("i")
    order = ("Ti", "Gi", "Mi", "Ki", "") if binary else ("M", "k", "", "m")
    for suffix in order:
        if value % SUFFIXES[suffix] == 0:
            return f"{int(value / SUFFIXES[suffix])}{suffix}" if value else "0"
    raise AssertionError(f"{text} is finer than a thousandth")


def smallest(**changes: Any) -> TenantPlan:
    """The plan of the smallest organization with `changes`."""
    members = [{"email": "ada@acme.example", "role": "owner"}]
    return plan(Organization.model_validate({"name": "Acme", "members": members, **changes}))


@repeatable
@given(valid_organizations())
def test_every_name_can_stand_in_a_cluster(organization: Organization) -> None:
    tenant = plan(organization)
    assert tenant.namespace == f"org-{organization.slug}", "the contract's name"
    labels = [tenant.namespace, *(b.name for b in tenant.bindings)]
    for name in labels:
        assert DNS_LABEL.fullmatch(name), f"{name!r} is no DNS label"
        assert len(name) <= 63, f"{name!r} has {len(name)} characters"
    for policy in tenant.network_policies:
        assert DNS_LABEL.fullmatch(policy.name), f"{policy.name!r} is no DNS name"
        assert len(policy.name) <= 253, "a NetworkPolicy's name is a DNS subdomain"
    for label, value in tenant.labels.items():
        assert LABEL_VALUE.fullmatch(value), f"{label}={value!r} is no label value"


def test_what_is_to_be_adopted_is_carried_and_changes_nothing_else() -> None:
    uid = "5c1ab0f5-06f8-4c52-a9a8-0f5f0f4b3a11"
    assert smallest(adopt=uid) == replace(smallest(), adopt=uid), "an imported organization is like any other"
    assert smallest().adopt is None, "nothing is imported unless it is named"


@repeatable
@given(valid_organizations())
def test_no_two_objects_of_one_kind_share_a_name(organization: Organization) -> None:
    tenant = plan(organization)
    for found in ([p.name for p in tenant.network_policies], [b.name for b in tenant.bindings]):
        assert len(found) == len(set(found)), f"one of {found} would overwrite another"


@repeatable
@given(valid_organizations())
def test_requests_are_bounded_exactly_like_limits(organization: Organization) -> None:
    quota = plan(organization).quota
    for resource in ("cpu", "memory", "ephemeral-storage"):
        assert quota[f"requests.{resource}"] == quota[f"limits.{resource}"], f"{resource} must not be overcommitted"


@repeatable
@given(valid_organizations())
def test_the_quota_is_what_was_asked_or_the_plans_default(organization: Organization) -> None:
    quota, sizes = plan(organization).quota, organization.sizes()
    assert amount(quota["limits.cpu"]) * 1000 == sizes.cpu, "cpu in millicores"
    assert amount(quota["limits.memory"]) == sizes.memory, "memory in bytes"
    assert amount(quota["requests.storage"]) == sizes.storage, "storage in bytes"
    assert amount(quota["limits.ephemeral-storage"]) == organization.ephemeral_storage, "scratch space too"
    assert organization.ephemeral_storage <= organization.commercial_plan.ephemeral_storage, "bounded by the plan"


@repeatable
@given(valid_organizations())
def test_everything_that_can_be_counted_is_counted_and_nothing_opens_a_port_to_the_world(
    organization: Organization,
) -> None:
    quota, counts = plan(organization).quota, organization.commercial_plan
    for key, count in {
        "pods": organization.pods,
        "services": counts.services,
        "configmaps": counts.configmaps,
        "secrets": counts.secrets,
        "persistentvolumeclaims": counts.volumes,
    }.items():
        assert amount(quota[key]) == count, f"{key} must be bounded by the plan"
    assert organization.pods <= counts.pods, "and pods too, whatever the file says"
    assert quota["services.nodeports"] == quota["services.loadbalancers"] == "0", (
        "such Services open a port to the world"
    )


@repeatable
@given(valid_organizations())
def test_container_defaults_fit_into_their_bounds_and_these_into_the_quota(organization: Organization) -> None:
    tenant = plan(organization)
    limits, quota = tenant.limits, tenant.quota
    assert set(limits.default) == set(limits.default_request) == {"cpu", "memory", "ephemeral-storage"}, (
        "the quota bounds these three, so a container without them would be refused"
    )
    for resource, default in limits.default.items():
        most = limits.maximum.get(resource, quota[f"limits.{resource}"])
        request = limits.default_request[resource]
        assert 0 < amount(request) <= amount(default) <= amount(most), f"{resource}: request <= default <= max"
        assert amount(most) <= amount(quota[f"limits.{resource}"]), f"{resource}: one container cannot exceed the sum"
    assert amount(limits.largest_volume) <= amount(quota["requests.storage"]), "one volume cannot exceed the sum"


@repeatable
@given(valid_organizations())
def test_quantities_are_written_as_the_api_server_writes_them(organization: Organization) -> None:
    tenant = plan(organization)
    limits = tenant.limits
    texts = {**limits.default, **limits.default_request, **limits.maximum, "volume": limits.largest_volume}
    for text in [*texts.values(), *tenant.quota.values()]:
        assert text == canonical(text), "anything else reads back as a difference"


@pytest.mark.parametrize("name", ["enterprise"])
def test_the_number_of_pods_is_written_as_the_api_server_writes_it(name: str) -> None:
    pods = smallest(plan=name).quota["pods"]
    assert pods == canonical(pods), "anything else reads back as a difference"


@repeatable
@given(valid_organizations())
def test_the_first_network_policy_closes_both_directions_and_opens_nothing(organization: Organization) -> None:
    deny = plan(organization).network_policies[0]
    assert deny.name == "default-deny", "whatever comes later only opens what this one closed"
    assert deny.directions == ("Ingress", "Egress"), "a direction that is not listed stays open"
    assert (deny.ingress, deny.egress) == ((), ()), "a rule here would open the namespace"


@repeatable
@given(valid_organizations())
def test_traffic_flows_only_to_the_platform_and_to_organizations_that_are_named(organization: Organization) -> None:
    policies = plan(organization).network_policies
    incoming = {rule.peer.namespace for policy in policies for rule in policy.ingress}
    outgoing = {rule.peer.namespace for policy in policies for rule in policy.egress}
    assert incoming == {f"org-{other}" for other in organization.network.allow_from}, "nobody else may call"
    assert outgoing == {
        "kube-system",
        "agent-ready-system",
        *(f"org-{other}" for other in organization.network.allow_to),
    }, "nobody else may be called"
    for policy in policies:
        assert not (policy.ingress and "Ingress" not in policy.directions), "rules of an unlisted direction are ignored"
        assert not (policy.egress and "Egress" not in policy.directions), "rules of an unlisted direction are ignored"


def test_the_baseline_opens_dns_database_redis_and_relay_and_no_more() -> None:
    baseline = smallest().network_policies[1]
    platform = "agent-ready-system"
    assert baseline.name == names.BASELINE_EGRESS, "the second policy is the baseline"
    assert baseline.ingress == (), "the baseline only lets out"
    assert baseline.egress == (
        TrafficRule(Peer("kube-system", (("k8s-app", "kube-dns"),)), (Port(53, "UDP"), Port(53, "TCP"))),
        TrafficRule(Peer(platform, (("app.kubernetes.io/name", "database"),)), (Port(5432),)),
        TrafficRule(Peer(platform, (("app.kubernetes.io/name", "redis"),)), (Port(6380),)),
        TrafficRule(Peer(platform, (("app.kubernetes.io/name", "config-relay"),)), (Port(8443),)),
    ), "DESIGN.md: baseline egress is DNS, the database, Redis and the relay"


@repeatable
@given(valid_organizations())
def test_every_member_stands_in_exactly_one_binding_that_of_the_role(organization: Organization) -> None:
    bindings = plan(organization).bindings
    held = {user: binding.role for binding in bindings for user in binding.users}
    assert held == {f"agent-ready:{m.email}": m.role for m in organization.members}, (
        "each member has the role of the file"
    )
    assert sum(len(binding.users) for binding in bindings) == len(organization.members), "nobody twice"
    for binding in bindings:
        assert binding.users, "a binding of nobody would be drift waiting to happen"
        assert binding.cluster_role == f"agent-ready:{binding.role}", "the binding grants its own role"
        assert list(binding.users) == sorted(binding.users), "order of the file must not show"


@repeatable
@given(valid_organizations())
def test_settings_are_sorted_unique_and_their_values_json(organization: Organization) -> None:
    configs = plan(organization).configs
    order = [f"{c.service}/{c.key}" for c in configs]
    assert order == sorted(set(order)), "sorted, so that the order of the file must not show"
    values = {f"{c.service}/{c.key}": json.loads(c.value) for c in configs}
    for key, value in organization.configs.items():
        kept = stored(key, value)
        assert (values[key], type(values[key])) == (kept, type(kept)), f"{key} must keep its value and its type"


@repeatable
@given(valid_organizations())
def test_the_initial_quota_is_mirrored_into_the_settings(organization: Organization) -> None:
    tenant = plan(organization)
    values = {f"{c.service}/{c.key}": json.loads(c.value) for c in tenant.configs}
    wanted = {"quota/cpu": "limits.cpu", "quota/memory": "limits.memory", "quota/storage": "requests.storage"}
    assert {key: values[key] for key in wanted} == {key: tenant.quota[source] for key, source in wanted.items()}, (
        "services read their quota from the settings"
    )


@repeatable
@given(valid_organizations())
def test_the_namespace_says_whose_it_is_and_is_never_born_ready(organization: Organization) -> None:
    labels = plan(organization).labels
    assert labels["agent-ready.io/organization"] == organization.slug, "cost and alerts join on this label"
    assert labels["agent-ready.io/plan"] == organization.plan, "reports join on this label"
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted", f"Pod Security must {mode} restricted"
    assert names.READY_LABEL not in labels, "only the gate sets it, last"
    assert organization.labels.items() <= labels.items(), "the customer's own labels are copied"


@repeatable
@given(organization_data(), st.randoms(use_true_random=False))
def test_the_plan_depends_on_what_a_file_says_and_not_on_its_order(data: dict[str, Any], random: Any) -> None:
    shuffled = {key: data[key] for key in random.sample(sorted(data), len(data))}
    shuffled["members"] = random.sample(data["members"], len(data["members"]))
    shuffled["configs"] = {
        key: data["configs"][key] for key in random.sample(sorted(data["configs"]), len(data["configs"]))
    }
    shuffled["network"] = {key: random.sample(value, len(value)) for key, value in data["network"].items()}
    one, other = (plan(Organization.model_validate(d)) for d in (data, shuffled))
    assert one == other, "a reordered file must deploy nothing"
    assert list(one.labels) == list(other.labels), "even the order of labels is fixed"


@repeatable
@given(valid_organizations())
def test_planning_twice_gives_the_same_and_leaves_the_organization_alone(organization: Organization) -> None:
    before = organization.model_dump()
    assert plan(organization) == plan(organization), "pure: the preview and the update must agree"
    assert organization.model_dump() == before, "pure: nothing is changed on the way"


@pytest.mark.parametrize("name", sorted(PLANS))
def test_a_plan_bounds_exactly_the_same_resources_as_every_other(name: str) -> None:
    assert set(smallest(plan=name).quota) == set(smallest().quota), (
        "a changed plan changes amounts, not what is bounded"
    )


def test_an_allowance_given_twice_makes_one_policy() -> None:
    found = [p.name for p in smallest(network={"allow_from": ["b", "b"], "allow_to": ["b"]}).network_policies]
    assert found[2:] == ["allow-from-b", "allow-to-b"], "one policy a neighbour and direction"


def test_a_tiny_organization_gets_defaults_that_it_can_afford() -> None:
    limits = smallest(quota={"cpu": "50m", "memory": "64Mi"}).limits
    assert limits.default == {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "1Gi"}, "lowered to the quota"
    assert limits.default_request == {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "128Mi"}, "lowered too"


def test_the_documented_defaults_are_what_a_new_organization_gets() -> None:
    quota = smallest().quota
    assert (quota["limits.cpu"], quota["limits.memory"], quota["requests.storage"]) == ("10", "20Gi", "10Gi"), (
        "DESIGN.md"
    )
