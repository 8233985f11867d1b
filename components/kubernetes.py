"""What every Kubernetes object of ours carries, in one place."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from tenants import names
from tenants.plan import TenantPlan

# The provider's field manager is random unless pinned: a run that lost its state would meet its own objects as
# somebody else's.
FIELD_MANAGER_PINNED = {
    "pulumi.com/patchFieldManager": names.FIELD_MANAGER,
    "pulumi.com/patchForce": "true",  # what somebody changed by hand is ours all the same: the next update wins
}
# Quotas are awaited by the gate, not by the provider's half-second polls.
_ANNOTATIONS = {**FIELD_MANAGER_PINNED, "pulumi.com/skipAwait": "true"}


def metadata(name: str, namespace: str | None = None) -> ObjectMetaArgs:
    """Metadata of one of the platform's own objects."""
    return ObjectMetaArgs(
        name=name, namespace=namespace, annotations=_ANNOTATIONS, labels={names.BASELINE_LABEL: "true"}
    )


def credentials_secret(
    plan: TenantPlan,
    name: str,
    values: Mapping[str, pulumi.Input[str]],
    ca_certificate: str | None,
    account: pulumi.Resource,
    inside: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Register the Secret with which pods reach a server: `values`, and the CA where there is one.

    The first one and the `account` that it is for are made side by side: no pod is admitted before both are there. A
    rotated one waits for its account. It goes with its namespace, never alone: to await that, one must be allowed to
    watch every Secret beside it.
    """
    certificate = {"ca.crt": ca_certificate} if ca_certificate else {}
    rotated = plan.database.current > 1
    own = pulumi.ResourceOptions(retain_on_delete=True, depends_on=[account] if rotated else [])
    return k8s.core.v1.Secret(
        f"{plan.slug}-{name}",
        metadata=metadata(name, plan.namespace),
        type="Opaque",
        string_data={**values, **certificate},
        opts=pulumi.ResourceOptions.merge(inside, own),
    )
