"""The list of kinds that tenants write stands in a manifest; here it meets the roles that it must fit."""

import re
from pathlib import Path

import pytest
import yaml

from tenants import names
from tenants.model import Organization
from tenants.permissions import RULES
from tenants.plan import plan

ADMISSION = Path(__file__).parents[3] / "policies" / "admission"
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def open_kinds() -> set[str]:
    policy = next(yaml.safe_load_all((ADMISSION / "tenant-kinds.yaml").read_text()))
    (listed,) = [v["expression"] for v in policy["spec"]["variables"] if v["name"] == "open"]
    return set(re.findall(r"'([^']+)'", listed))


def test_what_the_roles_may_write_is_open_and_fits_the_list() -> None:
    written = {
        f"{rule.group}/{resource}"
        for role in RULES.values()
        for rule in role
        for resource in rule.resources
        if WRITES & set(rule.verbs)
    }
    assert written <= open_kinds(), "a right that admission always refuses is a broken promise"


def test_what_leads_out_of_the_namespace_is_neither_open_nor_a_right() -> None:
    closed = {
        "/endpoints", "discovery.k8s.io/endpointslices", "networking.k8s.io/ingresses", "/pods/status",
        "/services/status", "/pods/binding", "/bindings", "/serviceaccounts/token", "/resourcequotas", "/limitranges",
        "/pods/proxy", "/services/proxy", "resource.k8s.io/resourceclaims",
    }  # fmt: skip
    assert not closed & open_kinds()


def test_the_names_in_the_manifests_are_the_domains() -> None:
    text = {path.name: path.read_text() for path in ADMISSION.glob("*.yaml")}
    for label in names.EXPOSE_LABELS.values():
        assert label in text["services.yaml"]
    assert all(f"'{name}'" in text["secrets.yaml"] for name in names.SECRETS)
    for kept in (names.DEFAULT_DENY, names.BASELINE_EGRESS, names.allow_from(""), names.allow_to("")):
        assert f"'{kept}'" in text["tenant-network.yaml"]
    assert names.role_binding("owner").startswith("organization-") and "'organization-'" in text["tenant-bindings.yaml"]
    for role in RULES:
        assert f"'{names.cluster_role(role)}'" in text["tenant-bindings.yaml"]


@pytest.mark.parametrize(
    ("expose", "balancers", "ports"), [([], "0", "0"), (["NodePort"], "0", "5"), (["LoadBalancer"], "1", "5")]
)
def test_what_the_catalog_exposes_is_counted_and_shown_to_the_policies(
    expose: list[str], balancers: str, ports: str
) -> None:
    owner = {"email": "ada@acme.example", "role": "owner"}
    made = plan(
        Organization.model_validate(
            {"name": "Acme", "plan": "starter", "members": [owner], "network": {"expose": expose}}
        )
    )
    assert made.quota["services.loadbalancers"] == balancers
    assert made.quota["services.nodeports"] == ports, "a load balancer takes node ports too"
    assert {label for label in made.labels if "/expose-" in label} == {names.EXPOSE_LABELS[kind] for kind in expose}
