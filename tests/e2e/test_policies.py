"""The CrossGuard pack on the real engine: one broken program, one preview, every rule denies what breaks it."""

import re

import pytest

from tests.e2e.checkout import Checkout

# Appended to a copy of the program. Each resource is called after the rule that it must be denied by.
BROKEN = """
import pulumi_kubernetes as k8s
from provider.resources import NamespaceClaim

def _kubernetes(**options):
    return pulumi.ResourceOptions(provider=providers["kubernetes"], **options)

def _tenancy(**options):
    return pulumi.ResourceOptions(provider=providers["tenancy"], **options)

_INSIDE = {"name": "broken", "namespace": "org-contoso"}
_HARD = {f"{side}.{what}": "1" for side in ("requests", "limits") for what in ("cpu", "memory")}
_HARD |= {"requests.storage": "1Gi", "pods": "1"}
_RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}

k8s.rbac.v1.ClusterRole("no-wildcard-rbac", metadata={"name": "agent-ready-broken"}, opts=_kubernetes(),
                        rules=[{"apiGroups": [""], "resources": ["*/log"], "verbs": ["get"]}])
k8s.core.v1.ResourceQuota("quota-is-bounded", metadata=_INSIDE, spec={"hard": {"pods": "1"}}, opts=_kubernetes())
k8s.core.v1.ResourceQuota("quota-is-within-limits", metadata=_INSIDE, spec={"hard": {**_HARD, "limits.cpu": "99999"}},
                          opts=_kubernetes())
k8s.core.v1.LimitRange("containers-are-bounded", metadata=_INSIDE, spec={"limits": []}, opts=_kubernetes())
k8s.networking.v1.NetworkPolicy("default-deny-is-closed", metadata={**_INSIDE, "name": "default-deny"},
                                spec={"podSelector": {}, "policyTypes": ["Ingress"]}, opts=_kubernetes())
k8s.networking.v1.NetworkPolicy("networks-stay-inside", metadata=_INSIDE, opts=_kubernetes(),
                                spec={"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]})
k8s.core.v1.Namespace("namespaces-are-claimed", metadata={"name": "agent-ready-broken"}, opts=_kubernetes())
k8s.core.v1.ConfigMap("objects-are-named", metadata={"namespace": "org-contoso"}, opts=_kubernetes())
k8s.core.v1.ConfigMap("secrets-are-secret", metadata=_INSIDE, data={"password": "hunter2"}, opts=_kubernetes())
NamespaceClaim("namespaces-are-restricted", name="org-broken", labels={}, operation_id="x", opts=_tenancy())
NamespaceClaim("data-is-kept", name="org-broken", labels=_RESTRICTED, operation_id="x", opts=_tenancy())
"""
DENIED = re.compile(r"\[mandatory\]\s+(\S+)\s+\(([^)]*): ([^)]*)\)")


@pytest.fixture(scope="module")
def denied(deployed: Checkout) -> set[tuple[str, str]]:
    """Pairs of a rule and the resource that it denied in the preview of the broken program."""
    program = deployed.folder / "__main__.py"
    honest = program.read_text()
    program.write_text(honest + BROKEN)
    try:
        refused = deployed.pulumi("preview", "--policy-pack", "policies", "--non-interactive")
    finally:
        program.write_text(honest)
    assert refused.code != 0, "a mandatory rule fails the preview"
    assert "can't run policy" not in refused.out, "no rule gives up because a value is not known yet"
    return {(rule, name) for rule, _, name in DENIED.findall(refused.out)}


@pytest.mark.parametrize("rule", re.findall(r'^[\w.]+\("([a-z-]+)"', BROKEN, re.MULTILINE))
def test_a_rule_denies_what_breaks_it(denied: set[tuple[str, str]], rule: str) -> None:
    assert (rule, rule) in denied, sorted(denied)


def test_the_stack_is_denied_where_a_namespace_lacks_its_isolation(denied: set[tuple[str, str]]) -> None:
    assert ("isolation-is-complete", "data-is-kept") in denied, sorted(denied)


def test_what_is_in_order_is_not_denied(denied: set[tuple[str, str]]) -> None:
    """Among about a hundred honest resources, only the broken ones are named."""
    broken = set(re.findall(r'^[\w.]+\("([a-z-]+)"', BROKEN, re.MULTILINE))
    assert {name for _, name in denied} <= broken, sorted(denied)


def test_every_rule_of_the_pack_is_shown_here() -> None:
    from policies.rules import RULES, STACK_RULES

    shown = set(re.findall(r'^[\w.]+\("([a-z-]+)"', BROKEN, re.MULTILINE)) | {rule.name for rule in STACK_RULES}
    assert shown == {rule.name for rule in (*RULES, *STACK_RULES)}
