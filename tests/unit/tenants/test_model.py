"""The model's rules: what an organization may be, and that a refusal names the value, the rule and the way out."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from tenants.model import CrossFieldError, Organization
from tenants.plans import PLANS
from tests.unit.tenants.strategies import organization_data, repeatable

OWNER = {"email": "ada@acme.example", "role": "owner"}


def organization(**changes: Any) -> Organization:
    """The smallest valid organization with `changes`."""
    return Organization.model_validate({"name": "Acme", "members": [OWNER], **changes})


def refusal(**changes: Any) -> str:
    """The text with which `changes` are refused."""
    with pytest.raises(ValidationError) as refused:
        organization(**changes)
    return str(refused.value)


def test_a_name_and_an_owner_are_enough() -> None:
    smallest = organization()
    assert (smallest.slug, smallest.plan) == ("acme", "starter"), "slug and plan have defaults"
    assert smallest.sizes() == PLANS["starter"].default, "without a quota the plan's sizes are in force"


def test_the_starter_plan_is_the_contracts_default_quota() -> None:
    sizes = organization().sizes()
    assert (sizes.cpu, sizes.memory, sizes.storage) == (10_000, 20 * 2**30, 10 * 2**30), "DESIGN.md: cpu 10, 20Gi, 10Gi"


def test_a_slug_that_is_given_wins_over_the_name() -> None:
    assert organization(slug="robots").slug == "robots", "the slug key exists to differ from the name"


def test_an_organization_cannot_be_changed_after_it_was_validated() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        organization().slug = "other"  # type: ignore[misc]


UID = "5c1ab0f5-06f8-4c52-a9a8-0f5f0f4b3a11"


def test_a_namespace_to_adopt_is_named_by_its_uid() -> None:
    assert organization(adopt=UID).adopt == UID, "as kubectl prints it"
    assert organization().adopt is None, "nothing is imported unless it is named"


@pytest.mark.parametrize("uid", [UID.upper(), UID[:-1], f"{UID} ", f"{{{UID}}}", UID.replace("-", ""), "org-acme", ""])
def test_what_is_no_uid_is_refused_with_the_command_that_prints_it(uid: str) -> None:
    text = refusal(adopt=uid)
    assert repr(uid) in text and "kubectl get namespace org-<slug>" in text, "the value, the rule and the way out"


@pytest.mark.parametrize("uid", [1, True, [UID]])
def test_a_uid_is_text(uid: Any) -> None:
    assert "adopt" in refusal(adopt=uid), "YAML makes numbers of what is not quoted"


@pytest.mark.parametrize(
    ("given_", "kept"),
    [("2", "2"), ("2000m", "2"), ("0.5", "500m"), (16, "16"), (0.5, "500m"), ("1.50", "1500m")],
)
def test_cpu_is_kept_in_the_api_servers_form(given_: Any, kept: str) -> None:
    assert organization(quota={"cpu": given_}).quota.cpu == kept, "a read-back from the cluster must compare equal"


@pytest.mark.parametrize(("given_", "kept"), [("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("20Gi", "20Gi")])
def test_sizes_are_kept_in_the_api_servers_form(given_: str, kept: str) -> None:
    assert organization(quota={"memory": given_}).quota.memory == kept, "a read-back must compare equal"


@pytest.mark.parametrize("key", ["cpu", "memory", "storage"])
@pytest.mark.parametrize("value", [True, False, [], {}, "", "-1", "-1Gi", "abc", b"1"])
def test_a_quota_that_is_no_quantity_is_refused(key: str, value: Any) -> None:
    assert f"quota.{key}" in refusal(quota={key: value}), "the problem belongs to the quota's key"


@pytest.mark.parametrize(
    ("key", "zero"), [("cpu", "0"), ("cpu", 0), ("cpu", "0m"), ("memory", "0Gi"), ("storage", "0Ki")]
)
def test_a_quota_of_zero_is_refused_and_says_how_to_get_the_default(key: str, zero: Any) -> None:
    assert "leave the key out to take the plan's default" in refusal(quota={key: zero}), "zero would stop every pod"


@pytest.mark.parametrize("value", [20, 20.0, 21474836480])
def test_a_bare_number_is_no_size_because_nobody_knows_its_unit(value: Any) -> None:
    assert "quota.memory" in refusal(quota={"memory": value}), "20 could be bytes or gibibytes"


@pytest.mark.parametrize("plan", sorted(PLANS))
@pytest.mark.parametrize("key", ["cpu", "memory", "storage"])
def test_the_plans_maximum_is_allowed_and_anything_beyond_it_is_refused(plan: str, key: str) -> None:
    most = getattr(PLANS[plan].maximum, key)
    step, unit = (1, "m") if key == "cpu" else (2**10, "Ki")
    assert getattr(organization(plan=plan, quota={key: f"{most // step}{unit}"}).sizes(), key) == most, (
        "the bound itself fits"
    )
    text = refusal(plan=plan, quota={key: f"{most // step + 1}{unit}"})
    assert f"quota.{key}" in text, "the problem belongs to the quota's key"
    assert f"more than plan {plan} allows; at most" in text, "the refusal names the plan and its bound"


def test_one_quota_leaves_the_others_at_the_plans_default() -> None:
    sizes, default = organization(quota={"cpu": 3}).sizes(), PLANS["starter"].default
    assert (sizes.cpu, sizes.memory, sizes.storage) == (3000, default.memory, default.storage), "only cpu was given"


@pytest.mark.parametrize("plan", ["gold", "Starter", "", "starter ", "free"])
def test_an_unknown_plan_is_refused_with_the_ones_that_exist(plan: str) -> None:
    assert "choose one of starter, business, enterprise" in refusal(plan=plan), "the way out is the list"


def test_every_plan_can_hold_its_own_defaults() -> None:
    for name, plan in PLANS.items():
        for key in ("cpu", "memory", "storage"):
            assert 0 < getattr(plan.default, key) <= getattr(plan.maximum, key), (
                f"{name}: default {key} exceeds its maximum"
            )
        counts = (plan.ephemeral_storage, plan.pods, plan.services, plan.configmaps, plan.secrets, plan.volumes)
        assert all(count > 0 for count in counts), f"{name}: a count of zero makes the plan unusable"


def test_each_plan_gives_at_least_what_the_cheaper_one_gives() -> None:
    starter, business, enterprise = (PLANS[name] for name in ("starter", "business", "enterprise"))
    for less, more in ((starter, business), (business, enterprise)):
        for key in ("ephemeral_storage", "pods", "services", "configmaps", "secrets", "volumes"):
            assert getattr(less, key) <= getattr(more, key), f"an upgrade must not take away {key}"
        for key in ("cpu", "memory", "storage"):
            assert getattr(less.default, key) <= getattr(more.default, key), f"an upgrade must not lower {key}"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@acme.example",
        "ada@",
        "ADA@acme.example",
        "ada@Acme.example",
        "ada@acme.example ",
        " ada@acme.example",
        "ada@@acme.example",
        "ada@acme.example.",
        "ada@-acme.example",
        "a da@acme.example",
        "ada@acme_x",
        "ada\u202e@acme.example",
        "\u0430da@acme.example",
        "ada:admin@acme.example",
        "x" * 65 + "@acme.example",
        "ada@" + "x" * 260,
        None,
        7,
    ],
)
def test_what_is_no_lower_case_address_is_refused(email: Any) -> None:
    assert "members.0.email" in refusal(members=[OWNER | {"email": email}]), (
        "the problem belongs to the member's e-mail"
    )


@pytest.mark.parametrize("email", ["ada@acme.example", "a.b+c@x-1.example", "o'hara@acme.example", "0@00"])
def test_ordinary_addresses_are_accepted(email: str) -> None:
    assert organization(members=[OWNER | {"email": email}]).members[0].email == email, "a usual address must pass"


@pytest.mark.parametrize("role", ["Owner", "superuser", "", None, 1, "owner "])
def test_an_unknown_role_is_refused_with_the_four_that_exist(role: Any) -> None:
    text = refusal(members=[OWNER, {"email": "bob@acme.example", "role": role}])
    assert "members.1.role" in text, "the problem belongs to that member"
    assert "'owner', 'admin', 'member' or 'viewer'" in text, "the way out is the list"


def test_members_need_an_owner_among_them() -> None:
    assert "none of them is an owner" in refusal(members=[OWNER | {"role": "admin"}]), "somebody must be answerable"


def test_a_member_has_one_role() -> None:
    text = refusal(members=[OWNER, OWNER | {"role": "viewer"}])
    assert "ada@acme.example is listed twice" in text, "two roles would hide which one counts"


@pytest.mark.parametrize("count", [0, 201])
def test_an_organization_has_between_1_and_200_members(count: int) -> None:
    everyone = [{"email": f"user{i}@acme.example", "role": "owner"} for i in range(count)]
    assert "members" in refusal(members=everyone), f"{count} members are out of bounds"


def test_200_members_fit() -> None:
    everyone = [{"email": f"user{i}@acme.example", "role": "owner"} for i in range(200)]
    assert len(organization(members=everyone).members) == 200, "the bound itself fits"


@pytest.mark.parametrize("where", ["allow_from", "allow_to"])
def test_an_organization_cannot_name_itself_as_its_neighbour(where: str) -> None:
    assert "acme names itself" in refusal(network={where: ["acme"]}), "traffic inside is not what allowances are for"


@pytest.mark.parametrize("where", ["allow_from", "allow_to"])
@pytest.mark.parametrize("slug", ["*", "", "Acme", "kube-system", "org-a/b"])
def test_an_allowance_names_a_slug(where: str, slug: str) -> None:
    if slug == "kube-system":
        assert "reserved" in refusal(network={where: [slug]}), "no allowance reaches the cluster's own namespaces"
    else:
        assert f"network.{where}.0" in refusal(network={where: [slug]}), "only slugs can be allowed"


@pytest.mark.parametrize(
    "key",
    [
        "threshold",
        "ai/",
        "/threshold",
        "ai/b/c",
        "AI/threshold",
        "ai/_threshold",
        "ai:x/y",
        "ai/*",
        "9ai/x",
        "ai/" + "x" * 64,
        "",
        "ai threshold",
        "a-i/threshold",
    ],
)
def test_a_setting_is_named_service_slash_key_without_globs_or_colons(key: str) -> None:
    assert "is no setting; write service/key" in refusal(configs={key: 1}), "the name becomes a Redis channel"


@pytest.mark.parametrize("value", [None, [], {}, b"x", (1,)])
def test_a_setting_holds_one_plain_value(value: Any) -> None:
    assert "ai/threshold" in refusal(configs={"ai/threshold": value}), "only text, numbers and booleans are settings"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("features/x", True), ("features/x", False), ("ai/seed", 0), ("ai/seed", 1), ("ai/seed", -5),
        ("ai/threshold", 0.7), ("ai/system_prompt", ""), ("ai/system_prompt", "text"),
    ],
)  # fmt: skip
def test_a_setting_keeps_its_value_and_type(name: str, value: Any) -> None:
    kept = organization(configs={name: value}).configs[name]
    assert (kept, type(kept)) == (value, type(value)), "true must not become 1, nor 1 become true"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_setting_that_json_cannot_hold_is_refused(value: float) -> None:
    refusal(configs={"ai/threshold": value})


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_text_that_postgresql_cannot_store_is_refused(value: str) -> None:
    refusal(configs={"ai/model": value})


@pytest.mark.parametrize(
    "name",
    [
        "",
        " Acme",
        "Acme ",
        "Acme\u00a0",
        "Ac\u202eme",
        "Ac\u200bme",
        "Ac\u200dme",
        "Ac\u00adme",
        "Ac\x07me",
        "Ac\nme",
        "Ac\u2028me",
        "Ac\ue000me",
        unicodedata.normalize("NFD", "Café"),
        "x" * 101,
        None,
        7,
        True,
    ],
)
def test_a_display_name_that_cannot_be_read_aloud_is_refused(name: Any) -> None:
    assert "name" in refusal(name=name, slug="acme"), "invisible or ambiguous names are how customers are impersonated"


@pytest.mark.parametrize("name", ["Café Zürich", "世界貿易", "Müller & Söhne (GmbH)", "x" * 100, "!"])
def test_an_honest_name_in_any_script_is_accepted_when_it_has_a_slug(name: str) -> None:
    assert organization(name=name, slug="acme").name == name, "names belong to customers"


@pytest.mark.parametrize("name", ["\u0410cme", "Acm\u0435", "\uff21cme", "A\u3164cme", "\ufb01rm"])
def test_a_name_made_of_look_alikes_is_refused(name: str) -> None:
    refusal(name=name, slug="acme")


@pytest.mark.parametrize(
    "changes", [{"members": [OWNER | {"email": "ada@acme.example\n"}]}, {"configs": {"ai/threshold\n": 1}}]
)
def test_a_final_newline_is_not_part_of_a_name(changes: dict[str, Any]) -> None:
    refusal(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"colour": "red"}, {"quota": {"gpu": 1}}, {"network": {"allow": []}}, {"members": [OWNER | {"phone": "1"}]}],
)
def test_unknown_keys_are_refused_at_every_level(changes: dict[str, Any]) -> None:
    assert "Extra inputs are not permitted" in refusal(**changes), "a misspelt key must not be ignored silently"


def test_rules_over_several_fields_are_reported_together() -> None:
    with pytest.raises(ValidationError) as refused:
        organization(
            members=[OWNER | {"role": "viewer"}] * 2,
            quota={"cpu": 999},
            configs={"x": 1},
            network={"allow_to": ["acme"]},
        )
    causes = [error["ctx"]["error"] for error in refused.value.errors()]
    assert all(isinstance(cause, CrossFieldError) for cause in causes), "the loader turns each problem into a line"
    assert sorted(".".join(path) for cause in causes for path, _ in cause.problems) == [
        "configs.x",
        "members",
        "members",
        "network",
        "quota.cpu",
    ], "every broken rule is reported, not only the first"


@repeatable
@given(organization_data())
def test_every_organization_of_the_strategy_is_valid_and_survives_a_round_trip(data: dict[str, Any]) -> None:
    once = Organization.model_validate(data)
    assert Organization.model_validate(once.model_dump()) == once, "normalizing twice must change nothing"


def test_amounts_that_are_valid_are_bounded_although_others_are_not() -> None:
    text = refusal(quota={"cpu": "x", "memory": "41Gi", "pods": 0, "storage": "101Gi"})
    for key in ("quota.cpu", "quota.memory", "quota.pods", "quota.storage"):
        assert key in text, "one refusal shows everything that is wrong"


def test_amounts_are_not_bounded_by_a_plan_that_does_not_exist() -> None:
    text = refusal(plan="gold", quota={"cpu": 999})
    assert "choose one of" in text, "the plan is wrong"
    assert "quota" not in text, "nobody knows the bound"


@pytest.mark.parametrize(
    ("quota", "says"),
    [
        ({"pods": 51}, "quota.pods: 51 is more than plan starter allows; at most 50"),
        ({"ephemeral_storage": "11Gi"}, "quota.ephemeral_storage: 11Gi is more than plan starter allows; at most 10Gi"),
        ({"cpu": "1k"}, "quota.cpu: 1k is more than plan starter allows; at most 20"),
    ],
)
def test_pods_and_scratch_space_are_bounded_by_the_plan(quota: dict[str, Any], says: str) -> None:
    assert says in refusal(quota=quota), "the refusal names the plan and its bound"


@pytest.mark.parametrize("pods", [0, -1, True, "5", 1.5])
def test_a_number_of_pods_is_a_whole_number_above_zero(pods: Any) -> None:
    assert "quota.pods" in refusal(quota={"pods": pods}), "the problem belongs to the quota's key"


def test_an_organization_is_protected_unless_its_file_says_otherwise() -> None:
    assert organization().protected is True, "removing a file must not delete a customer by accident"
    assert organization(protected=False).protected is False, "deployed first, it lets the file be removed"
    assert "protected" in refusal(protected="no"), "text is no answer"


@pytest.mark.parametrize(
    "key", ["team", "acme.example/cost-center", "Team_1.x", "kubernetes.io.acme.example/x", "isolation-ready-2"]
)
def test_an_organization_may_have_labels_of_its_own(key: str) -> None:
    assert organization(labels={key: "A-1_b.c"}).labels == {key: "A-1_b.c"}, "valid Kubernetes labels"


@pytest.mark.parametrize(
    "key",
    [
        "isolation-ready",
        "acme.example/isolation-ready",
        "agent-ready.io/plan",
        "x.agent-ready.io/plan",
        "kubernetes.io/metadata.name",
        "pod-security.kubernetes.io/enforce",
        "app.kubernetes.io/managed-by",
        "node.k8s.io/x",
        "k8s.io/x",
        "pod-security",
        "pod-security-x",
    ],
)
def test_labels_that_mean_something_to_the_platform_are_refused(key: str) -> None:
    assert "belongs to the platform or to Kubernetes" in refusal(labels={key: "true"}), (
        "nobody opens a gate by a catalog entry"
    )


@pytest.mark.parametrize("key", ["", "-a", "a-", "a b", "a/b/c", "/a", "A.example/a", "a\n", "ä", "x" * 64])
def test_what_is_no_label_is_refused_at_its_own_key(key: str) -> None:
    text = refusal(labels={key: "true"})
    assert f"labels.{key}" in text and "is no label" in text, "Kubernetes would refuse it in the middle of an update"


@pytest.mark.parametrize("value", ["-a", "a b", "x" * 64, "a\n", "ä"])
def test_what_is_no_labels_value_is_refused(value: str) -> None:
    assert "is no label's value" in refusal(labels={"team": value}), "Kubernetes would refuse it"


@pytest.mark.parametrize("key", ["quota/cpu", "quota/anything"])
def test_settings_cannot_override_the_mirrored_quota(key: str) -> None:
    assert "set that under `quota` instead" in refusal(configs={key: "1000"}), "two truths would be none"


@pytest.mark.parametrize("value", [10**40, -(10**5000)], ids=["41 digits", "5001 digits"])
def test_a_number_that_nobody_can_write_out_is_refused(value: int) -> None:
    with pytest.raises(ValidationError):
        organization(configs={"ai/seed": value})


@pytest.mark.parametrize("name", ["Acme\u2800", "A\u1160cme", "Acme\u2122", "Acme \u03a9"])
def test_a_name_that_shows_less_or_more_than_its_letters_is_refused(name: str) -> None:
    refusal(name=name, slug="acme")


@pytest.mark.parametrize("name", ["Ωμέγα", "Газпром", "アクメ Acme 世界", "O'Neill – Söhne"])
def test_a_name_of_one_alphabet_is_accepted_when_it_has_a_slug(name: str) -> None:
    assert organization(name=name, slug="acme").name == name, "names belong to customers"
