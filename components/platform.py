"""What one cluster and one database need once, before the first organization."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml

from components.access import register_cluster_role
from components.kubernetes import FIELD_MANAGER_PINNED
from components.settings import Settings
from provider.resources import AdmissionProof, DatabaseSchema
from tenants.permissions import ROLES

_ROOT = Path(__file__).parent.parent
_ADMISSION = _ROOT / "policies" / "admission"
_MIGRATIONS = _ROOT / "database" / "migrations"


class Platform(pulumi.ComponentResource):
    """The database schema, the roles' ClusterRoles, and the admission policies, seen to deny before it is ready.

    Takes the providers `kubernetes` and `tenancy` from `opts`.
    """

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("agent-ready:tenancy:Platform", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        DatabaseSchema(
            "schema",
            migrations=digest(_MIGRATIONS, "*.sql"),
            on_destroy=settings.on_destroy,
            opts=child,
        )
        for role in ROLES:
            register_cluster_role(role, child)
        policies = list(_register_admission(child))
        AdmissionProof(
            "admission-proof",
            policies=digest(_ADMISSION, "*.yaml"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )
        self.register_outputs({})


def digest(folder: Path, pattern: str) -> str:
    """SHA-256 over the files' contents in order of their names: what they say changed when this did."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(folder.glob(pattern)))).hexdigest()


def _register_admission(opts: pulumi.ResourceOptions) -> Iterator[pulumi.Resource]:
    """Register the manifests: a policy, then the binding that makes it count."""
    kinds = {
        "ValidatingAdmissionPolicy": k8s.admissionregistration.v1.ValidatingAdmissionPolicy,
        "ValidatingAdmissionPolicyBinding": k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding,
    }
    for path in sorted(_ADMISSION.glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield _register(kinds[manifest["kind"]], manifest, opts)


def _register(kind: Any, manifest: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    name = f"{manifest['metadata']['name']}{'-binding' if manifest['kind'].endswith('Binding') else ''}"
    meta = {**manifest["metadata"], "annotations": FIELD_MANAGER_PINNED}
    resource: pulumi.Resource = kind(name, metadata=meta, spec=manifest["spec"], opts=opts)
    return resource
