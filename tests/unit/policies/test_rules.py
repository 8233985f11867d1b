"""Each rule lets the components' real output pass, and denies what it is there to deny."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from policies.quantities import exceeds
from policies.rules import RULES, STACK_RULES, Context, Resource, Rule, Unknown
from policies.secrecy import marked
from tenants.limits import FILE, limits, render
from tests.unit.components.recording import Recording, Registered, record_main

BY_NAME = {rule.name: rule for rule in RULES}
Change = Callable[[dict[str, Any]], object]


def known(resource: Registered) -> Context:
    """What the engine tells the pack about a resource beside its properties."""
    return Context(name=resource.name, secrets=resource.secrets, limits=limits())


@pytest.fixture(scope="session")
def recording() -> Recording:
    """What `__main__.py` registers for the committed catalog."""
    return record_main()


def test_the_pack_holds_these_rules_each_with_a_description() -> None:
    assert list(BY_NAME) == [
        "no-wildcard-rbac",
        "quota-is-bounded",
        "default-deny-is-closed",
        "namespaces-are-restricted",
        "quota-is-within-limits",
        "containers-are-bounded",
        "networks-stay-inside",
        "namespaces-are-claimed",
        "objects-are-named",
        "secrets-are-secret",
        "data-is-kept",
    ], "a rule that is written but not listed checks nothing"
    assert all(rule.description for rule in RULES), "the description is what a reviewer reads"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_lets_everything_pass_that_the_components_really_register(recording: Recording, rule: Rule) -> None:
    assert len(recording.resources) > 60, "else this test shows little"
    for resource in recording.resources:
        found = list(rule.check(resource.type, resource.inputs, known(resource)))
        assert found == [], f"{resource.name} is what we mean to deploy"


VIOLATIONS: list[tuple[str, str, Change, str]] = [
    ("no-wildcard-rbac", "role-admin", lambda p: p["rules"][0].update(verbs=["get", "*"]), "rules[0].verbs"),
    ("no-wildcard-rbac", "role-admin", lambda p: p["rules"][1].update(resources=["*"]), "rules[1].resources"),
    ("no-wildcard-rbac", "role-viewer", lambda p: p["rules"][2].update(apiGroups=["*"]), "rules[2].apiGroups"),
    *(
        (
            "quota-is-bounded",
            "acme-robotics-quota",
            lambda p, key=key: p["spec"]["hard"].pop(key),
            f"spec.hard has no {key};",
        )
        for key in ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "requests.storage", "pods")
    ),
    (
        "default-deny-is-closed",
        "acme-robotics/default-deny",
        lambda p: p["spec"].update(policyTypes=["Ingress"]),
        "both policyTypes",
    ),
    (
        "default-deny-is-closed",
        "acme-robotics/default-deny",
        lambda p: p["spec"].pop("policyTypes"),
        "both policyTypes",
    ),
    ("default-deny-is-closed", "acme-robotics/default-deny", lambda p: p["spec"].update(egress=[{}]), "allow nothing"),
    ("default-deny-is-closed", "acme-robotics/default-deny", lambda p: p["spec"].update(ingress=[{}]), "allow nothing"),
    (
        "default-deny-is-closed",
        "acme-robotics/default-deny",
        lambda p: p["spec"].update(podSelector={"matchLabels": {"app": "x"}}),
        "every pod",
    ),
    (
        "namespaces-are-restricted",
        "acme-robotics-namespace",
        lambda p: p.update(name="acme"),
        "must be named org-<slug>",
    ),
    (
        "namespaces-are-restricted",
        "acme-robotics-namespace",
        lambda p: p["labels"].update({"pod-security.kubernetes.io/enforce": "baseline"}),
        "must be 'restricted'",
    ),
    (
        "namespaces-are-restricted",
        "acme-robotics-namespace",
        lambda p: p["labels"].pop("pod-security.kubernetes.io/enforce"),
        "must be 'restricted'",
    ),
]


VIOLATIONS += [
    (
        "quota-is-within-limits",
        "acme-robotics-quota",
        lambda p: p["spec"]["hard"].update({"limits.cpu": "513"}),
        "limits.cpu is 513, more than any plan allows (512)",
    ),
    (
        "quota-is-within-limits",
        "acme-robotics-quota",
        lambda p: p["spec"]["hard"].update({"requests.memory": "a lot"}),
        "requests.memory is a lot",
    ),
    (
        "quota-is-within-limits",
        "acme-robotics-limits",
        lambda p: p["spec"]["limits"][0]["max"].update(memory="2Ti"),
        "limits.memory is 2Ti",
    ),
    ("containers-are-bounded", "acme-robotics-limits", lambda p: p["spec"]["limits"].pop(0), "no item of type"),
    (
        "containers-are-bounded",
        "acme-robotics-limits",
        lambda p: p["spec"]["limits"][0]["max"].pop("cpu"),
        "no max.cpu",
    ),
    *(
        (
            "networks-stay-inside",
            "acme-robotics/baseline-egress",
            lambda p, peers=peers: p["spec"]["egress"][0].update(to=peers),
            says,
        )
        for peers, says in (
            ([], "everybody"),
            ([{"ipBlock": {"cidr": "0.0.0.0/0"}}], "to addresses"),
            ([{"namespaceSelector": {}}], "every namespace"),
        )
    ),
    ("objects-are-named", "acme-robotics-quota", lambda p: p["metadata"].pop("name"), "metadata.name is None"),
    ("objects-are-named", "acme-robotics-quota", lambda p: p["metadata"].update(name="Quota"), "'Quota'"),
    (
        "objects-are-named",
        "acme-robotics-quota",
        lambda p: p["metadata"].update(annotations={"pulumi.com/autonamed": "true"}),
        "metadata.name was left out",
    ),
    ("objects-are-named", "acme-robotics-quota", lambda p: p["metadata"].update(namespace="default"), "'default'"),
    ("objects-are-named", "role-admin", lambda p: p["metadata"].update(name="admin"), "must start with agent-ready"),
    (
        "secrets-are-secret",
        "acme-robotics-quota",
        lambda p: p["metadata"].update(annotations={"dbPassword": "hunter2"}),
        "metadata.annotations.dbPassword looks like a credential",
    ),
    (
        "secrets-are-secret",
        "acme-robotics-quota",
        lambda p: p["metadata"].update(annotations={"db": "postgresql://a:hunter2@h/d"}),
        "metadata.annotations.db looks like a credential",
    ),
    ("data-is-kept", "acme-robotics-row", lambda p: p.update(slug="acme"), "a slug never changes"),
    ("data-is-kept", "acme-robotics-namespace", lambda p: p.update(name="org-acme"), "a slug never changes"),
]


@pytest.mark.parametrize(
    ("rule", "name", "change", "says"), VIOLATIONS, ids=[f"{v[0]}: {v[3]} {i}" for i, v in enumerate(VIOLATIONS)]
)
def test_one_change_of_a_real_resource_is_denied_in_words(
    recording: Recording, rule: str, name: str, change: Change, says: str
) -> None:
    resource = recording.named(name)
    inputs = copy.deepcopy(resource.inputs)
    change(inputs)
    found = list(BY_NAME[rule].check(resource.type, inputs, known(resource)))
    assert len(found) == 1, f"one change, one violation: {found}"
    assert says in found[0], "the text says where and what"


def test_every_rule_has_a_violation_here() -> None:
    assert {violation[0] for violation in VIOLATIONS} | {"namespaces-are-claimed"} == set(BY_NAME), (
        "a rule that was never seen to deny is a hope"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "kind",
    [
        "kubernetes:core/v1:ResourceQuota",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
        "tenancy:index:NamespaceClaim",
        "random:index:RandomPassword",
    ],
)
def test_no_rule_stumbles_over_missing_properties(rule: Rule, kind: str) -> None:
    for properties in ({}, {"spec": None, "metadata": None, "rules": None, "labels": None}):
        for violation in rule.check(kind, properties):
            assert violation, "half a resource is judged, not crashed on"


def test_a_quota_outside_an_organization_is_not_the_tenancys_matter() -> None:
    quota = {"metadata": {"namespace": "kube-system"}, "spec": {"hard": {}}}
    assert list(BY_NAME["quota-is-bounded"].check("kubernetes:core/v1:ResourceQuota", quota)) == [], "only org-*"


def test_a_quota_without_any_bound_lists_all_that_is_missing() -> None:
    quota = {"metadata": {"namespace": "org-acme"}, "spec": {}}
    assert len(list(BY_NAME["quota-is-bounded"].check("kubernetes:core/v1:ResourceQuota", quota))) == 6, "all at once"


def test_an_allowance_may_open_what_default_deny_may_not() -> None:
    allowance = {
        "metadata": {"name": "allow-from-b"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
    }
    kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    assert list(BY_NAME["default-deny-is-closed"].check(kind, allowance)) == [], "that is what other policies are for"


@pytest.mark.parametrize("kind", ["Role", "ClusterRole"])
def test_wildcards_are_denied_in_roles_of_either_kind(kind: str) -> None:
    rules = {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    found = list(BY_NAME["no-wildcard-rbac"].check(f"kubernetes:rbac.authorization.k8s.io/v1:{kind}", rules))
    assert len(found) == 3, "each wildcard is named"


@pytest.mark.parametrize(
    "rule",
    [
        {"resources": ["*/scale"], "verbs": ["get"]},
        {"nonResourceURLs": ["*"], "verbs": ["get"]},
        {"nonResourceURLs": ["/apis/*"], "verbs": ["get"]},
    ],
)
def test_a_wildcard_inside_a_name_is_a_wildcard_too(rule: dict[str, Any]) -> None:
    kind = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
    assert list(BY_NAME["no-wildcard-rbac"].check(kind, {"rules": [rule]})), "it grants what nobody has thought of yet"


def test_a_namespace_is_never_a_resource_of_the_kubernetes_provider() -> None:
    for kind in ("Namespace", "NamespacePatch"):
        (found,) = BY_NAME["namespaces-are-claimed"].check(f"kubernetes:core/v1:{kind}", {})
        assert "use NamespaceClaim" in found


@pytest.mark.parametrize("data", [{"url": "x"}, {"url": Unknown()}], ids=["known", "not known yet"])
def test_a_secrets_data_is_a_secret_of_the_engine_even_where_a_preview_does_not_know_it(data: dict[str, Any]) -> None:
    check, kind = BY_NAME["secrets-are-secret"].check, "kubernetes:core/v1:Secret"
    (found,) = check(kind, {"stringData": data}, Context(secrets=frozenset()))
    assert "stringData.url of a Secret is no Pulumi secret" in found
    for whole_or_part in ("stringData", "stringData.url"):
        assert list(check(kind, {"stringData": data}, Context(secrets=frozenset({whole_or_part})))) == []


def test_data_is_not_deleted_first() -> None:
    context = Context(name="acme-row", delete_before_replace=True)
    (found,) = BY_NAME["data-is-kept"].check("tenancy:index:OrganizationRow", {"slug": "acme"}, context)
    assert "deleteBeforeReplace" in found


def stack(recording: Recording, *without: str) -> list[Resource]:
    return [Resource(r.type, r.name, r.inputs) for r in recording.resources if r.name not in without]


def test_the_whole_stack_of_the_catalog_is_complete(recording: Recording) -> None:
    (rule,) = STACK_RULES
    assert list(rule.check(stack(recording), limits())) == []


@pytest.mark.parametrize("missing", ["acme-robotics-quota", "acme-robotics-limits", "acme-robotics/default-deny"])
def test_an_organization_without_a_part_of_its_isolation_is_named(recording: Recording, missing: str) -> None:
    (rule,) = STACK_RULES
    ((urn, said),) = rule.check(stack(recording, missing), limits())
    assert urn == "acme-robotics-namespace" and "org-acme-robotics has no " in said


def test_a_quota_beyond_its_own_plan_is_found_though_another_plan_would_allow_it(recording: Recording) -> None:
    (rule,) = STACK_RULES
    resources = copy.deepcopy(stack(recording))
    (quota,) = [r for r in resources if r.urn == "acme-robotics-quota"]
    quota.properties["spec"]["hard"]["limits.cpu"] = "65"
    assert list(rule.check(resources, limits())) == [
        ("acme-robotics-quota", "spec.hard limits.cpu is 65, more than plan business allows (64)")
    ]


def test_the_committed_limits_are_the_plans() -> None:
    assert FILE.read_text() == render(), "run python -m tenants.limits"


@pytest.mark.parametrize(
    ("amount", "limit", "more"),
    [("1001m", "1", True), ("1000m", "1", False), ("1G", "1Gi", False), ("1Gi", "1G", True), ("0.5", "500m", False),
     ("1e3", "1", True), ("", "1", True), ("-1", "1", True), ("2Ti", "2048Gi", False)],
)  # fmt: skip
def test_quantities_compare_by_value_and_what_is_none_is_too_much(amount: str, limit: str, more: bool) -> None:
    assert exceeds(amount, limit) is more


def test_marks_of_the_engine_become_paths() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "x"}
    assert sorted(marked({"a": secret, "b": {"c": [1, secret]}, "d": "x"}, "")) == ["a", "b.c.1"]
