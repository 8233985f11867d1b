"""An organization's ResourceQuota and LimitRange."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import metadata
from tenants import names
from tenants.plan import TenantPlan


def register_quota(plan: TenantPlan, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Register both; nothing in the namespace may exceed the plan, in sum or in one container."""
    quota = k8s.core.v1.ResourceQuota(
        f"{plan.slug}-quota",
        metadata=metadata(names.QUOTA, plan.namespace),
        spec=k8s.core.v1.ResourceQuotaSpecArgs(hard=plan.quota),
        opts=opts,
    )
    limits = k8s.core.v1.LimitRange(
        f"{plan.slug}-limits",
        metadata=metadata(names.LIMITS, plan.namespace),
        spec=k8s.core.v1.LimitRangeSpecArgs(
            limits=[
                k8s.core.v1.LimitRangeItemArgs(
                    type="Container",
                    default=plan.limits.default,
                    default_request=plan.limits.default_request,
                    max=plan.limits.maximum,
                ),
                k8s.core.v1.LimitRangeItemArgs(
                    type="PersistentVolumeClaim", max={"storage": plan.limits.largest_volume}
                ),
            ]
        ),
        opts=opts,
    )
    return [quota, limits]
