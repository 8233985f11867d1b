"""The platform's own identities in the embedded cluster: ``deploy/identity/``, applied on each ``up``."""

from __future__ import annotations

import os
import subprocess

from localplane.errors import PlaneError
from localplane.layout import Layout
from localplane.parts import Found

FIELD_MANAGER = "agent-ready-localplane"


def present(layout: Layout) -> bool:
    """Whether there is anything to apply."""
    return any(layout.identities.glob("*.yaml"))


def apply(layout: Layout, kubectl: Found) -> None:
    """Apply them as the administrator, server-side, and take back fields that somebody changed."""
    command = [
        str(kubectl.path), f"--kubeconfig={layout.kubeconfig}",
        f"--cache-dir={layout.kubectl_cache}", "apply", "--server-side", "--force-conflicts", "--request-timeout=60s",
        f"--field-manager={FIELD_MANAGER}", "--filename", str(layout.identities),
    ]  # fmt: skip
    environment = {"PATH": os.defpath, "HOME": str(layout.local), **kubectl.environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise PlaneError(
            f"the identities in {layout.identities} were refused by the cluster:\n    {done.stderr.strip()}\n"
            "Correct the manifest and run `make up` again."
        )
