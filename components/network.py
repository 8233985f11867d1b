"""An organization's NetworkPolicies."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import metadata
from tenants import names
from tenants.plan import NetworkPolicyPlan, TenantPlan, TrafficRule

_net = k8s.networking.v1


def register_network(plan: TenantPlan, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Register every policy of the plan; the first closes both directions, the others open what is allowed."""
    return [
        _net.NetworkPolicy(
            names.network_policy_resource(plan.slug, policy.name),
            metadata=metadata(policy.name, plan.namespace),
            spec=_spec(policy),
            opts=pulumi.ResourceOptions.merge(opts, _known_before_as(f"{plan.slug}-{policy.name}")),
        )
        for policy in plan.network_policies
    ]


def _known_before_as(name: str) -> pulumi.ResourceOptions:
    """Without it a state that knows the earlier name would lose the policy that has just been deployed."""
    return pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name)])


def _spec(policy: NetworkPolicyPlan) -> k8s.networking.v1.NetworkPolicySpecArgs:
    return _net.NetworkPolicySpecArgs(
        pod_selector=k8s.meta.v1.LabelSelectorArgs(),
        policy_types=list(policy.directions),
        ingress=[_net.NetworkPolicyIngressRuleArgs(from_=[_peer(r)], ports=_ports(r)) for r in policy.ingress] or None,
        egress=[_net.NetworkPolicyEgressRuleArgs(to=[_peer(r)], ports=_ports(r)) for r in policy.egress] or None,
    )


def _peer(rule: TrafficRule) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    # The API server itself sets this label on every namespace, and nobody can change it.
    namespace = {"kubernetes.io/metadata.name": rule.peer.namespace}
    pods = dict(rule.peer.pod_labels)
    return _net.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=namespace),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pods) if pods else None,
    )


def _ports(rule: TrafficRule) -> list[k8s.networking.v1.NetworkPolicyPortArgs] | None:
    return [_net.NetworkPolicyPortArgs(port=p.number, protocol=p.protocol) for p in rule.ports] or None
