"""Namespaces, claimed by creation: one that exists already is never changed or deleted, and never taken over unless
the catalog names its UID, an administrator has agreed, and nothing in it breaks the rules (docs/adr/0012).
"""

import asyncio
import time
from dataclasses import dataclass, field

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import ApiRefused, NamespaceTaken, NotImportable, StillTerminating
from cluster.inspection import end_consent, findings
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


async def claim(
    api: ClusterApi, name: str, operation_id: str, labels: dict[str, str], *, adopt: str | None = None
) -> Claim:
    """Create the namespace with our operation-id, or find the one that an interrupted run of ours made.

    With `adopt`, a UID, nothing is created: the namespace that stands with it is taken over with everything in it.
    Raises NamespaceTaken if it is somebody else's, StillTerminating if it is on its way out, NotImportable if the one
    to adopt is gone or must not become ours.
    """
    if adopt is not None:
        return await _adopt(api, name, adopt, operation_id, labels)
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


async def _adopt(api: ClusterApi, name: str, uid: str, operation_id: str, labels: dict[str, str]) -> Claim:
    """Make it ours by the annotation alone; from there on it is resumed like one that an interrupted run made."""
    path = f"{NAMESPACES}/{name}"
    found = await api.get(path)
    if found is None:
        raise NotImportable(
            f"namespace {name} does not exist, so that there is nothing to adopt; nothing was made. "
            "To have an empty one made, remove `adopt` from the organization's catalog file"
        )
    if _operation(found) != operation_id:
        _check_adoptable(found, uid, operation_id)
        if problems := await findings(api, found, labels):
            raise NotImportable(_unfit(name, problems))
        # Exactly what was looked at: a label that came in between would be a conflict, and is looked at again.
        version = found["metadata"].get("resourceVersion")
        mark = {"uid": uid, "resourceVersion": version, "annotations": {names.OPERATION_ANNOTATION: operation_id}}
        try:
            await api.patch(path, {"metadata": mark})
        except ApiRefused as refused:
            if refused.code != 409:
                raise
        return await _adopt(api, name, uid, operation_id, labels)
    _check_stays(found)
    ours = await relabel(api, _claim(found), labels)
    await end_consent(api, name)
    return ours


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
    if _operation(found) != operation_id:
        raise NamespaceTaken(_taken(found, operation_id))
    _check_stays(found)


def _check_adoptable(found: Json, uid: str, operation_id: str) -> None:
    name, real = found["metadata"]["name"], found["metadata"]["uid"]
    if real != uid:
        raise NamespaceTaken(
            f"namespace {name} has the UID {real} and not {uid}, which `adopt` names: it may be another than the one "
            "that was meant, and was left untouched. Look at it; if it is meant, write its UID, else another slug"
        )
    if _operation(found):
        raise NamespaceTaken(_taken(found, operation_id))
    _check_stays(found)


def _check_stays(found: Json) -> None:
    if "deletionTimestamp" in found["metadata"]:
        name = found["metadata"]["name"]
        raise StillTerminating(f"namespace {name} is still being deleted: {_holders(found)}. Run again when it is gone")


def _taken(found: Json, operation_id: str) -> str:
    name, theirs = found["metadata"]["name"], _operation(found)
    owner = f"carries the operation-id {theirs}" if theirs else "was not made by this platform"
    advice = "Choose another slug, or remove that namespace if nobody needs it"
    if not theirs:
        advice += (
            ". To import it with everything in it, write "
            f"`adopt: {found['metadata']['uid']}` into the organization's catalog file (docs/quickstart)"
        )
    return f"namespace {name} exists already and {owner} (ours is {operation_id}); it was left untouched. {advice}"


def _unfit(name: str, problems: list[str]) -> str:
    lines = "".join(f"\n  - {problem}" for problem in problems)
    return (
        f"namespace {name} was not imported and is untouched. No organization may have what stands there:{lines}\n"
        f"Change or remove each (`kubectl -n {name} delete <kind>/<name>`) and run again, or choose another slug "
        "without `adopt`"
    )


def _holders(found: Json) -> str:
    """What keeps a terminating namespace, in the namespace controller's own words."""
    conditions = found.get("status", {}).get("conditions", [])
    held = [c["message"] for c in conditions if c.get("status") == "True"]
    finalizers = found.get("spec", {}).get("finalizers", [])
    return "; ".join(held) or f"finalizers {finalizers}, no condition reported yet"
