"""What an operation has left in the cluster: the Namespace that carries its id, and nothing else, may be taken away."""

from dataclasses import dataclass

from cluster import namespaces
from cluster.api import NAMESPACES, ClusterApi, Json
from tenants import names


@dataclass(frozen=True)
class Carrier:
    """A namespace that carries an operation-id. `is_going` is whether its deletion has begun."""

    name: str
    uid: str
    operation_id: str
    is_going: bool


async def carrier(api: ClusterApi, slug: str) -> Carrier | None:
    """Who holds the slug's namespace; its operation-id is "" if this platform has not made it. None if nobody does."""
    found = await api.get(f"{NAMESPACES}/{names.namespace(slug)}")
    return _carrier(found) if found else None


async def remove(api: ClusterApi, slug: str, operation_id: str, *, timeout: float) -> bool:
    """Delete the slug's namespace if it carries exactly this operation-id; whether there was one.

    Raises StillTerminating if it is not gone after `timeout` seconds. Somebody else's stays untouched.
    """
    found = await carrier(api, slug)
    if found is None or found.operation_id != operation_id:
        return False
    await namespaces.delete(api, found.name, found.uid, timeout=timeout)
    return True


async def carriers(api: ClusterApi) -> list[Carrier]:
    """Every organization's namespace that this platform has made."""
    found = await api.get(NAMESPACES)
    every = (_carrier(item) for item in (found or {}).get("items", []))
    return [one for one in every if one.operation_id and one.name.startswith(names.NAMESPACE_PREFIX)]


def _carrier(found: Json) -> Carrier:
    meta = found["metadata"]
    operation = meta.get("annotations", {}).get(names.OPERATION_ANNOTATION, "")
    return Carrier(meta["name"], meta["uid"], operation, "deletionTimestamp" in meta)
