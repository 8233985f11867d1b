"""What an organization uses of its quota right now, as the cluster counts it."""

import re
from decimal import Decimal

from cluster.api import NAMESPACES, ClusterApi, Json
from tenants import names

_QUANTITY = re.compile(r"([0-9.]+)([a-zA-Z]*)", re.ASCII)
_BINARY = {unit: Decimal(2) ** (10 * power) for power, unit in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi"))}
_DECIMAL = {"m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12)}


async def below_use(api: ClusterApi, slug: str, wanted: dict[str, str]) -> list[str]:
    """Why `wanted` (cpu, memory, storage) would be less than what runs; empty when it is enough, or nothing runs."""
    quota = await api.get(f"{NAMESPACES}/{names.namespace(slug)}/resourcequotas/{names.QUOTA}")
    return below(quota or {}, slug, wanted)


def below(quota: Json, slug: str, wanted: dict[str, str]) -> list[str]:
    """The same of a ResourceQuota that was read already."""
    namespace, used = names.namespace(slug), quota.get("status", {}).get("used", {})
    return [
        f"{amount} of {resource} is less than the {used[key]} that {namespace} uses ({key}); free some first"
        for resource, amount in wanted.items()
        for key in (f"requests.{resource}", f"limits.{resource}")
        if key in used and _amount(used[key]) > _amount(amount)
    ]


def _amount(text: str) -> Decimal:
    """A quantity in any form that the API server writes, in cores or bytes."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no quantity of the API server's")
    return Decimal(match[1]) * {**_BINARY, **_DECIMAL}[match[2]]
