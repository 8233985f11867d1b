"""Namespaces, claimed by creation only: one that exists already is never taken over, changed or deleted."""

import asyncio
import time
from dataclasses import dataclass, field

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import ApiRefused, NamespaceTaken, StillTerminating
from tenants import names


@dataclass(frozen=True)
class Claim:
    """Our namespace: its UID is what later calls must meet again before they touch it."""

    name: str
    uid: str
    operation_id: str
    labels: dict[str, str]
    given: frozenset[str] = field(
        default=frozenset(), compare=False
    )  # labels that we gave it, so that we may take them away


async def claim(api: ClusterApi, name: str, operation_id: str, labels: dict[str, str]) -> Claim:
    """Create the namespace with our operation-id, or find the one that an interrupted run of ours made.

    Raises NamespaceTaken if it is somebody else's, StillTerminating if it is on its way out.
    """
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {names.OPERATION_ANNOTATION: operation_id, **_given(labels)},
        },
    }
    try:
        return _claim(await api.create(NAMESPACES, body))
    except ApiRefused as refused:
        if refused.code != 409:
            raise
    found = await api.get(f"{NAMESPACES}/{name}")
    if found is None:
        return await claim(api, name, operation_id, labels)
    _check_ours(found, operation_id)
    return await relabel(api, _claim(found), labels)


async def read(api: ClusterApi, name: str, operation_id: str) -> Claim | None:
    """Our namespace as it is, or None if it is gone, going, or not ours."""
    found = await api.get(f"{NAMESPACES}/{name}")
    if found is None or _operation(found) != operation_id or "deletionTimestamp" in found["metadata"]:
        return None
    return _claim(found)


async def relabel(api: ClusterApi, ours: Claim, labels: dict[str, str]) -> Claim:
    """Set our labels, and remove those of ours that are no longer wanted; the gate's label is not touched."""
    managed = {label for label in ours.labels if label.startswith((f"{names.DOMAIN}/", "pod-security."))} | ours.given
    change: dict[str, str | None] = {**dict.fromkeys(managed - labels.keys()), **labels}
    body = {"metadata": {"uid": ours.uid, "labels": change, "annotations": _given(labels)}}
    return _claim(await api.patch(f"{NAMESPACES}/{ours.name}", body))


async def delete(api: ClusterApi, name: str, uid: str, *, timeout: float = 60.0) -> None:
    """Delete our namespace and wait until it is gone; raise StillTerminating after `timeout` seconds.

    Safe to call again: a deletion under way is only waited for.
    """
    path = f"{NAMESPACES}/{name}"
    await api.delete(path, uid=uid)
    deadline, pause = time.monotonic() + timeout, 0.02
    while found := await api.get(path):
        if found["metadata"]["uid"] != uid:
            return
        if time.monotonic() > deadline:
            raise StillTerminating(f"namespace {name} is still terminating after {timeout:.0f} s: {_holders(found)}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def _claim(found: Json) -> Claim:
    meta = found["metadata"]
    given = meta.get("annotations", {}).get(names.LABELS_ANNOTATION, "").split(",")
    return Claim(meta["name"], meta["uid"], _operation(found), meta.get("labels", {}), frozenset(filter(None, given)))


def _given(labels: dict[str, str]) -> dict[str, str]:
    """The annotation that remembers which labels are ours."""
    return {names.LABELS_ANNOTATION: ",".join(sorted(labels))}


def _operation(found: Json) -> str:
    return str(found["metadata"].get("annotations", {}).get(names.OPERATION_ANNOTATION, ""))


def _check_ours(found: Json, operation_id: str) -> None:
    name, theirs = found["metadata"]["name"], _operation(found)
    if theirs != operation_id:
        owner = f"carries the operation-id {theirs}" if theirs else "was not made by this platform"
        raise NamespaceTaken(
            f"namespace {name} exists already and {owner} (ours is {operation_id}); it was left untouched. "
            "Choose another slug, or remove that namespace if nobody needs it"
        )
    if "deletionTimestamp" in found["metadata"]:
        raise StillTerminating(f"namespace {name} is still being deleted: {_holders(found)}. Run again when it is gone")


def _holders(found: Json) -> str:
    """What keeps a terminating namespace, in the namespace controller's own words."""
    conditions = found.get("status", {}).get("conditions", [])
    held = [c["message"] for c in conditions if c.get("status") == "True"]
    finalizers = found.get("spec", {}).get("finalizers", [])
    return "; ".join(held) or f"finalizers {finalizers}, no condition reported yet"
