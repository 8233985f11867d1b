"""An organization registers exactly what its plan says, isolated before it is opened, and deleted in one step."""

import pytest

from tenants.model import Organization
from tenants.plan import TenantPlan
from tests.unit.components.recording import Recording, Registered, record_main, settings_of_tests

KUBERNETES = "kubernetes:"


@pytest.fixture(params=["acme-robotics", "bluebird-studio", "contoso", "northwind-logistics"])
def tenant(request: pytest.FixtureRequest, plans: list[TenantPlan]) -> TenantPlan:
    """Organizations with few and many members, with traffic in, out and none."""
    return next(plan for plan in plans if plan.slug == request.param)


def inside(recording: Recording, tenant: TenantPlan) -> list[Registered]:
    """The organization's own Kubernetes objects."""
    return [r for r in recording.children(tenant.slug) if r.type.startswith(KUBERNETES)]


def test_exactly_the_planned_resources_are_registered(recording: Recording, tenant: TenantPlan) -> None:
    s = tenant.slug
    wanted = [
        ("tenancy:index:OrganizationRow", f"{s}-row"),
        ("tenancy:index:NamespaceClaim", f"{s}-namespace"),
        ("kubernetes:core/v1:ResourceQuota", f"{s}-quota"),
        ("kubernetes:core/v1:LimitRange", f"{s}-limits"),
        ("kubernetes:core/v1:ServiceAccount", f"{s}-service-account"),
        ("tenancy:index:ConfigDefaults", f"{s}-configs"),
        ("tenancy:index:IsolationGate", f"{s}-gate"),
        ("kubernetes:core/v1:Secret", f"{s}-database"),
        ("tenancy:index:RedisUser", f"{s}-redis-user"),
        ("kubernetes:core/v1:Secret", f"{s}-live-configuration"),
        *(
            (kind, f"{s}-{what}-{generation}")
            for generation in tenant.database.generations
            for kind, what in (
                ("random:index/randomBytes:RandomBytes", "password"),
                ("tenancy:index:DatabaseLogin", "login"),
                ("postgresql:index/role:Role", "role"),
            )
        ),
        *(
            ("kubernetes:networking.k8s.io/v1:NetworkPolicy", f"{s}/{policy.name}")
            for policy in tenant.network_policies
        ),
        *(
            ("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", f"{s}-{binding.role}s")
            for binding in tenant.bindings
        ),
    ]
    assert sorted((r.type, r.name) for r in recording.children(s)) == sorted(wanted), (
        "one resource a planned thing, no more"
    )


def test_the_component_has_the_contracts_type_and_announces_its_number(
    recording: Recording, tenant: TenantPlan
) -> None:
    assert recording.named(tenant.slug).type == "agent-ready:tenancy:Organization", "DESIGN.md, Pulumi"
    assert (tenant.slug, {"namespace": tenant.namespace, "org_id": "7"}) in recording.outputs, "for the stack's outputs"


def test_the_row_is_what_the_plan_says(recording: Recording, tenant: TenantPlan) -> None:
    assert recording.named(f"{tenant.slug}-row").inputs == {
        "slug": tenant.slug,
        "display_name": tenant.name,
        "plan": tenant.plan,
        "managed_by": settings_of_tests().managed_by,
        "quota": tenant.sizes,
        "database_rotation": tenant.database.current,
        "retention_days": tenant.retention_days,
        "members": tenant.members,
    }, "nothing is decided in the component"


def test_the_namespace_is_claimed_with_the_rows_token(recording: Recording, tenant: TenantPlan) -> None:
    claim = recording.named(f"{tenant.slug}-namespace")
    assert claim.inputs == {"name": tenant.namespace, "labels": tenant.labels, "operation_id": "op-1"}, (
        "the row comes first"
    )
    assert f"{tenant.slug}-row" in claim.depends_on, "the slug is reserved before a namespace is made"


def test_a_namespace_that_is_to_be_adopted_is_named_to_the_claim() -> None:
    uid = "5c1ab0f5-06f8-4c52-a9a8-0f5f0f4b3a11"
    members = [{"email": "ada@acme.example", "role": "owner"}]
    imported = Organization.model_validate({"name": "Acme", "adopt": uid, "members": members})
    claim = record_main([imported]).named("acme-namespace")
    assert (claim.inputs["name"], claim.inputs["adopt"]) == ("org-acme", uid), "the provider decides what may happen"


def test_the_quota_is_the_planned_one(recording: Recording, tenant: TenantPlan) -> None:
    quota = recording.named(f"{tenant.slug}-quota").inputs
    assert quota["spec"] == {"hard": tenant.quota}, "copied, not computed"
    assert (quota["metadata"]["name"], quota["metadata"]["namespace"]) == ("quota", tenant.namespace), (
        "where the gate looks"
    )


def test_the_limits_are_the_planned_ones(recording: Recording, tenant: TenantPlan) -> None:
    limits = recording.named(f"{tenant.slug}-limits").inputs
    assert limits["spec"]["limits"] == [
        {
            "type": "Container",
            "default": tenant.limits.default,
            "defaultRequest": tenant.limits.default_request,
            "max": tenant.limits.maximum,
        },
        {"type": "PersistentVolumeClaim", "max": {"storage": tenant.limits.largest_volume}},
    ], "copied, not computed"
    assert limits["metadata"]["name"] == "limits", "where the gate looks"


def test_default_deny_selects_every_pod_closes_both_directions_and_opens_nothing(
    recording: Recording, tenant: TenantPlan
) -> None:
    deny = recording.named(f"{tenant.slug}/default-deny").inputs["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, "no ingress or egress key at all"


def test_every_rule_of_every_policy_reaches_the_cluster(recording: Recording, tenant: TenantPlan) -> None:
    for policy in tenant.network_policies:
        spec = recording.named(f"{tenant.slug}/{policy.name}").inputs["spec"]
        assert spec["podSelector"] == {}, f"{policy.name} must hold for every pod"
        assert spec["policyTypes"] == list(policy.directions), f"{policy.name}: directions"
        for key, peers, rules in (("ingress", "from", policy.ingress), ("egress", "to", policy.egress)):
            assert len(spec.get(key, [])) == len(rules), f"{policy.name}: one {key} rule each"
            for written, rule in zip(spec.get(key, []), rules, strict=True):
                (peer,) = written[peers]
                namespace = {"kubernetes.io/metadata.name": rule.peer.namespace}
                assert peer["namespaceSelector"] == {"matchLabels": namespace}, (
                    "by the label that the API server itself sets"
                )
                assert peer.get("podSelector", {}).get("matchLabels", {}) == dict(rule.peer.pod_labels), (
                    "the peer's pods"
                )
                ports = [(port["port"], port["protocol"]) for port in written.get("ports", [])]
                assert ports == [(port.number, port.protocol) for port in rule.ports], "and its ports"


def test_every_member_reaches_the_cluster_as_a_user_and_never_as_a_group(
    recording: Recording, tenant: TenantPlan
) -> None:
    for binding in tenant.bindings:
        found = recording.named(f"{tenant.slug}-{binding.role}s").inputs
        rbac = "rbac.authorization.k8s.io"
        assert found["metadata"]["name"] == binding.name, "where the gate looks"
        assert found["roleRef"] == {"apiGroup": rbac, "kind": "ClusterRole", "name": binding.cluster_role}, (
            "the role's rights"
        )
        assert found["subjects"] == [{"apiGroup": rbac, "kind": "User", "name": user} for user in binding.users], (
            "a group from a token would outlive a member's removal"
        )


def test_the_default_account_mounts_no_token(recording: Recording, tenant: TenantPlan) -> None:
    account = recording.named(f"{tenant.slug}-service-account").inputs
    assert account["automountServiceAccountToken"] is False, "a pod gets no identity by accident"
    assert account["metadata"]["name"] == "default", "the account that pods get when they name none"


def test_settings_are_stored_under_service_and_key_for_the_rows_number(
    recording: Recording, tenant: TenantPlan
) -> None:
    configs = recording.named(f"{tenant.slug}-configs")
    assert configs.inputs == {"org_id": "7", "values": {f"{c.service}/{c.key}": c.value for c in tenant.configs}}, (
        "copied"
    )
    assert configs.after_create == configs.after_update == ("publish-config-changes",), "announced after both"


def test_the_gate_names_every_part_that_must_be_read_back(recording: Recording, tenant: TenantPlan) -> None:
    assert recording.named(f"{tenant.slug}-gate").inputs == {
        "org_id": "7",
        "namespace": tenant.namespace,
        "uid": "uid-1",
        "network_policies": [policy.name for policy in tenant.network_policies],
        "role_bindings": [binding.name for binding in tenant.bindings],
        "open": True,
    }, "a part that is not named is not looked at"


def test_the_gate_comes_last(recording: Recording, tenant: TenantPlan) -> None:
    siblings = {r.name for r in recording.children(tenant.slug)} - {f"{tenant.slug}-gate"}
    assert siblings <= recording.reach(f"{tenant.slug}-gate"), "it opens only after everything else stands"
    for sibling in siblings:
        assert f"{tenant.slug}-gate" not in recording.reach(sibling), f"{sibling} must not wait for the gate"


def test_everything_inside_waits_for_the_claim_and_goes_with_it(recording: Recording, tenant: TenantPlan) -> None:
    namespace = f"{tenant.slug}-namespace"
    found = inside(recording, tenant)
    assert found, "else this test shows nothing"
    for resource in found:
        assert namespace in resource.depends_on, f"{resource.name} would be made before the namespace is ours"
        assert resource.deleted_with == namespace, f"{resource.name} would be taken down around running pods"
        assert resource.inputs["metadata"]["namespace"] == tenant.namespace, (
            f"{resource.name} must be in the claimed namespace"
        )
    assert recording.named(f"{tenant.slug}-gate").deleted_with == namespace, "the gate goes with its namespace"
    assert recording.named(f"{tenant.slug}-configs").deleted_with == f"{tenant.slug}-row", "settings go with the row"


def test_objects_carry_the_pinned_field_manager_and_are_not_awaited_by_polling(
    recording: Recording, tenant: TenantPlan
) -> None:
    for resource in inside(recording, tenant):
        assert resource.inputs["metadata"]["annotations"] == {
            "pulumi.com/patchFieldManager": "agent-ready",
            "pulumi.com/patchForce": "true",
            "pulumi.com/skipAwait": "true",
        }, f"{resource.name}: ENGINE.md, pitfalls"
        assert resource.inputs["metadata"]["labels"] == {"agent-ready.io/baseline": "true"}, (
            f"{resource.name} is the platform's"
        )


def test_each_resource_uses_the_platforms_providers(recording: Recording, tenant: TenantPlan) -> None:
    for resource in recording.children(tenant.slug):
        package = resource.type.partition(":")[0]
        assert resource.provider, f"{resource.name} would use the shell's kubeconfig"
        assert recording.named(resource.provider).type == f"pulumi:providers:{package}", (
            f"{resource.name}: its package's"
        )


def test_no_organization_starts_before_the_admission_policies_were_seen_to_deny(
    recording: Recording, tenant: TenantPlan
) -> None:
    assert "admission-proof" in recording.reach(f"{tenant.slug}-namespace"), (
        "nothing may rely on a gate that is not proven"
    )
    assert "schema" in recording.reach(f"{tenant.slug}-row"), "rows need tables"


def test_names_are_unique_within_the_stack(recording: Recording) -> None:
    names = [(r.type, r.name) for r in recording.resources]
    assert len(names) == len(set(names)), "Pulumi refuses two resources of one type and name below one kind of parent"


def test_nothing_secret_is_an_input_of_an_organization(recording: Recording, tenant: TenantPlan) -> None:
    assert "p4ssw0rd" not in str([r.inputs for r in recording.children(tenant.slug)]), (
        "passwords stay with the providers"
    )


def test_what_holds_the_customers_data_is_protected_as_the_plan_says(recording: Recording, tenant: TenantPlan) -> None:
    held = {f"{tenant.slug}-row", f"{tenant.slug}-namespace"} if tenant.protected else set()
    assert {r.name for r in recording.children(tenant.slug) if r.protect} == held, (
        "a removed file must not remove a customer; what can be made again may be changed at any time"
    )


def test_protected_and_unprotected_organizations_are_both_shown(plans: list[TenantPlan]) -> None:
    assert {plan.protected for plan in plans} == {True, False}, "else the test before shows half"


def test_policies_are_known_by_their_earlier_names(recording: Recording, tenant: TenantPlan) -> None:
    for policy in tenant.network_policies:
        found = recording.named(f"{tenant.slug}/{policy.name}")
        assert found.aliases == (f"{tenant.slug}-{policy.name}",), (
            "a state with the earlier name would delete what was just deployed"
        )
