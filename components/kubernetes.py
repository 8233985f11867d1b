"""What every Kubernetes object of ours carries, in one place."""

from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from tenants import names

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
