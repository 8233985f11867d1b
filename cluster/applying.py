"""Server-side apply of what the engine's provider has applied too.

As its field manager, and with everything that this manager owns of the object: whatever an apply leaves out, the API
server takes away. The engine then finds nothing to do.
"""

from cluster.api import Json
from tenants import names


def owned(found: Json) -> Json:
    """The object's name and UID, and the labels and annotations that our manager has applied."""
    meta = found["metadata"]
    fields = [
        entry["fieldsV1"].get("f:metadata", {})
        for entry in meta.get("managedFields", [])
        if entry.get("manager") == names.FIELD_MANAGER and entry.get("operation") == "Apply"
    ]
    kept: Json = {"name": meta["name"], "uid": meta["uid"]}
    for group in ("labels", "annotations"):
        keys = {key.removeprefix("f:") for field in fields for key in field.get(f"f:{group}", {}) if key != "."}
        kept[group] = {key: value for key, value in meta.get(group, {}).items() if key in keys}
    return kept
