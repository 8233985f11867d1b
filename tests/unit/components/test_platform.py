"""The platform: schema, roles and admission policies, seen to deny before anyone relies on them."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from components.platform import digest
from tenants.permissions import ROLES, RULES
from tests.unit.components.recording import ENVIRONMENT, Recording

ROOT = Path(__file__).parents[3]
MANIFESTS = [
    m for path in sorted((ROOT / "policies" / "admission").glob("*.yaml")) for m in yaml.safe_load_all(path.read_text())
]


def test_exactly_the_platforms_resources_are_registered(recording: Recording) -> None:
    policies = [m["metadata"]["name"] + ("-binding" if m["kind"].endswith("Binding") else "") for m in MANIFESTS]
    found = [r.name for r in recording.children("platform") if not r.type.startswith("pulumi:providers:")]
    assert sorted(found) == sorted(["schema", "admission-proof", *(f"role-{role}" for role in ROLES), *policies]), (
        "the schema, a role each, every policy with its binding, and the proof"
    )
    assert recording.named("platform").type == "agent-ready:tenancy:Platform", "DESIGN.md, Pulumi"


def test_the_manifests_are_registered_unchanged(recording: Recording) -> None:
    found = recording.of_type("ValidatingAdmissionPolicy") + recording.of_type("ValidatingAdmissionPolicyBinding")
    registered = sorted(json.dumps([r.inputs["metadata"]["name"], r.inputs["spec"]], sort_keys=True) for r in found)
    reviewed = sorted(json.dumps([m["metadata"]["name"], m["spec"]], sort_keys=True) for m in MANIFESTS)
    assert registered == reviewed, "what was reviewed is what runs"


def test_every_policy_is_bound_to_deny_and_fails_closed(recording: Recording) -> None:
    policies = {r.inputs["metadata"]["name"]: r.inputs["spec"] for r in recording.of_type("ValidatingAdmissionPolicy")}
    bound = {
        r.inputs["spec"]["policyName"]: r.inputs["spec"] for r in recording.of_type("ValidatingAdmissionPolicyBinding")
    }
    assert policies.keys() == bound.keys(), "an unbound policy admits everything"
    for name in policies:
        assert policies[name]["failurePolicy"] == "Fail", f"{name} must refuse when it cannot be judged"
        assert bound[name]["validationActions"] == ["Deny"], f"{name} must deny, not warn"


def test_the_proof_waits_for_every_policy_and_binding(recording: Recording) -> None:
    policies = {r.name for r in recording.resources if "ValidatingAdmissionPolicy" in r.type}
    assert policies <= recording.named("admission-proof").depends_on, "a proof before the policies proves nothing"
    assert policies, "else this test shows nothing"


def test_the_proof_and_the_schema_change_with_the_files_that_they_stand_for(recording: Recording) -> None:
    proof, schema = recording.named("admission-proof").inputs, recording.named("schema").inputs
    assert proof == {"policies": digest(ROOT / "policies" / "admission", "*.yaml"), "in_force": True}, (
        "a changed policy re-proves"
    )
    assert schema == {"migrations": digest(ROOT / "database" / "migrations", "*.sql"), "on_destroy": "keep"}, (
        "a new one runs"
    )


def test_each_role_becomes_a_cluster_role_with_its_rules(recording: Recording) -> None:
    for role in ROLES:
        found = recording.named(f"role-{role}").inputs
        assert found["metadata"]["name"] == f"agent-ready:{role}", "RoleBindings name it so"
        assert "namespace" not in found["metadata"], "a ClusterRole has no namespace"
        assert found["rules"] == [
            {"apiGroups": [rule.group], "resources": list(rule.resources), "verbs": list(rule.verbs)}
            for rule in RULES[role]
        ], f"{role}: the table, nothing else"


def test_the_platform_grants_nothing_by_itself(recording: Recording) -> None:
    assert recording.of_type(":ClusterRoleBinding") == [], "a ClusterRole counts only where an organization binds it"


def test_cluster_resources_use_the_configured_cluster_and_server_side_apply(recording: Recording) -> None:
    provider = recording.named("cluster").inputs
    assert provider["kubeconfig"] == ENVIRONMENT["PULUMI_KUBECONFIG"], "never what ~/.kube happens to hold"
    assert provider["enableServerSideApply"] in (True, "true"), "field managers need it"
    for resource in recording.children("platform"):
        package = resource.type.partition(":")[0]
        if package in ("kubernetes", "tenancy"):
            assert resource.provider == ("cluster" if package == "kubernetes" else "tenancy"), f"{resource.name}: ours"


def test_the_databases_url_is_a_secret_in_the_state(recording: Recording) -> None:
    tenancy = recording.named("tenancy")
    assert tenancy.inputs["database_url"] == ENVIRONMENT["PLATFORM_DATABASE_URL"], "the provider needs it"
    assert "database_url" in tenancy.secrets, "it holds a password: never in clear text"


@pytest.mark.parametrize(
    "change", [{"a.sql": "x"}, {"a.sql": "1", "b.sql": "2", "c.sql": "3"}, {"a.sql": "12", "b.sql": ""}]
)
def test_a_digest_changes_with_any_file(tmp_path: Path, change: dict[str, str]) -> None:
    for name, text in {"a.sql": "1", "b.sql": "2", "other.txt": "z"}.items():
        (tmp_path / name).write_text(text)
    before = digest(tmp_path, "*.sql")
    (tmp_path / "other.txt").write_text("changed")
    assert digest(tmp_path, "*.sql") == before, "other files do not count"
    assert before == hashlib.sha256(b"1\x002").hexdigest(), "stable: it is stored in every state"
    for name, text in change.items():
        (tmp_path / name).write_text(text)
    assert digest(tmp_path, "*.sql") != before, "an unseen change would never run"
