"""What a pod of an organization would get of its Secrets, read as the cluster's administrator."""

import base64
import json
from pathlib import Path

from liveconfig.sample.local import environment_of
from tests.e2e.checkout import Checkout


def pod_environment(checkout: Checkout, slug: str, folder: Path) -> dict[str, str]:
    """The variables of `liveconfig.settings`; certificates are written into `folder`."""
    command = ("-n", f"org-{slug}", "get", "secret", "live-configuration", "database", "-o", "json")
    items = json.loads(checkout.kubectl(*command).ok().out)["items"]
    return environment_of({item["metadata"]["name"]: _decoded(item["data"]) for item in items}, folder)


def _decoded(data: dict[str, str]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in data.items()}
