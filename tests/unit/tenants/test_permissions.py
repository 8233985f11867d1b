"""The permissions: no wildcard, nothing that takes an organization's isolation away, each role within the next."""

from itertools import pairwise
from pathlib import Path

import pytest

from tenants.permissions import PLATFORM_ROLES, ROLES, RULES, RoleName, Rule, documentation, permissions_of

WRITES = {"create", "update", "patch", "delete", "deletecollection", "bind", "escalate", "impersonate"}
VERBS = {"get", "list", "watch", *WRITES} - {"bind", "escalate", "impersonate"}


def grants(role: RoleName) -> set[tuple[str, str, str]]:
    """Every (group, resource, verb) that a role holds."""
    return {(r.group, resource, verb) for r in RULES[role] for resource in r.resources for verb in r.verbs}


def test_every_role_of_the_model_has_rules() -> None:
    assert ROLES == ("owner", "admin", "member", "viewer"), "DESIGN.md names four roles"
    assert set(RULES) == set(ROLES), "each role needs its ClusterRole"
    assert all(RULES[role] for role in ROLES), "an empty role would be a silent lock-out"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_holds_a_wildcard(role: RoleName) -> None:
    for rule in RULES[role]:
        for text in (rule.group, *rule.resources, *rule.verbs):
            assert "*" not in text, f"{role}: {rule} grants what nobody has thought of yet"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("resource", ["resourcequotas", "limitranges", "namespaces", "isolationgates"])
def test_no_role_may_write_what_isolates_the_organization(role: RoleName, resource: str) -> None:
    held = {verb for _, name, verb in grants(role) if name.split("/")[0] == resource}
    assert not held & WRITES, f"{role} could lift the organization's own bounds: {resource} {sorted(held & WRITES)}"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reaches_beyond_its_namespace(role: RoleName) -> None:
    cluster_wide = {
        "nodes",
        "persistentvolumes",
        "clusterroles",
        "clusterrolebindings",
        "storageclasses",
        "users",
        "groups",
        "validatingadmissionpolicies",
        "customresourcedefinitions",
        "certificatesigningrequests",
    }
    held = {resource for _, resource, _ in grants(role)}
    assert not held & cluster_wide, f"{role} holds cluster-scoped resources: {held & cluster_wide}"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_holds_a_verb_that_raises_its_own_rights(role: RoleName) -> None:
    verbs = {verb for _, _, verb in grants(role)}
    assert verbs <= VERBS, (
        f"{role} holds {sorted(verbs - VERBS)}; escalate, bind and impersonate lead out of the namespace"
    )


def test_viewers_change_nothing_and_read_no_secret() -> None:
    held = grants("viewer")
    assert {verb for _, _, verb in held} == {"get", "list", "watch"}, "a viewer only looks"
    assert not {resource for _, resource, _ in held} & {"secrets", "pods/exec", "pods/attach", "pods/portforward"}, (
        "reading a secret or entering a pod is more than looking"
    )


def test_members_read_no_secret_and_give_no_rights() -> None:
    held = {resource for _, resource, _ in grants("member")}
    assert not held & {"secrets", "roles", "rolebindings"}, "secrets and rights are for admins"
    written = {resource for _, resource, verb in grants("member") if verb in WRITES}
    assert "networkpolicies" not in written, "only admins change who may talk to whom"
    assert "serviceaccounts" not in written, "a member must not mint identities"


@pytest.mark.parametrize(("more", "less"), list(pairwise(ROLES)))
def test_each_role_holds_what_the_next_one_holds(more: RoleName, less: RoleName) -> None:
    assert grants(less) <= grants(more), f"{more} lacks {sorted(grants(less) - grants(more))[:3]} of {less}"


@pytest.mark.parametrize(
    ("role", "grant"),
    [
        ("viewer", ("", "pods", "list")),
        ("viewer", ("", "resourcequotas", "get")),
        ("member", ("apps", "deployments", "create")),
        ("member", ("", "pods/exec", "create")),
        ("admin", ("", "secrets", "create")),
        ("admin", ("rbac.authorization.k8s.io", "rolebindings", "create")),
        ("owner", ("networking.k8s.io", "networkpolicies", "create")),
    ],
)
def test_each_role_can_do_its_daily_work(role: RoleName, grant: tuple[str, str, str]) -> None:
    assert grant in grants(role), f"{role} cannot {grant[2]} {grant[1]}"


def test_rules_are_values() -> None:
    assert Rule("", ("pods",), ("get",)) == Rule("", ("pods",), ("get",)), "equal rules must compare equal in diffs"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("resource", ["endpoints", "endpointslices"])
def test_no_role_writes_the_addresses_behind_a_service(role: RoleName, resource: str) -> None:
    held = {verb for _, name, verb in grants(role) if name == resource}
    assert not held & WRITES, "CVE-2021-25740: addresses of other namespaces would be reached through the own Service"


def test_the_documented_table_is_this_one() -> None:
    document = Path(__file__).parents[3] / "docs" / "permissions.md"
    assert document.read_text(encoding="utf-8") == documentation(), "run `python -m tenants.permissions` again"


@pytest.mark.parametrize(("more", "less"), [*pairwise(ROLES), *pairwise(PLATFORM_ROLES)])
def test_each_role_has_the_permissions_of_the_next_one(more: str, less: str) -> None:
    assert permissions_of(less) <= permissions_of(more), f"{more} lacks {permissions_of(less) - permissions_of(more)}"


def test_the_platforms_staff_reads_no_business_data() -> None:
    for role in PLATFORM_ROLES:
        assert not {name for name in permissions_of(role) if name.startswith(("data:", "workloads:", "secrets:"))}, role


def test_an_auditor_changes_nothing() -> None:
    assert all(name.endswith(":read") for name in permissions_of("auditor"))


def test_an_unknown_role_may_do_nothing() -> None:
    assert permissions_of("root") == frozenset()
