"""What a deployed organization is, and what its members can and cannot do."""

import json

import pytest

from tests.e2e.checkout import Checkout

ACME, NORTHWIND = "org-acme-robotics", "org-northwind-logistics"
ACME_ADMIN = "agent-ready:grace@acme.example"
ACME_VIEWERLESS_MEMBER = "agent-ready:linus@acme.example"
NORTHWIND_OWNER = "agent-ready:nadia@northwind.example"

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "probe"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "probe",
                "image": "registry.invalid/probe:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


def create_pod(checkout: Checkout, namespace: str, user: str, pod: dict[str, object] = POD) -> tuple[int, str]:
    """Try to create a pod for good and take it away again; the exit code and what was said."""
    done = checkout.kubectl("-n", namespace, "create", "-f", "-", user=user, stdin=json.dumps(pod))
    if done.code == 0:
        checkout.kubectl("-n", namespace, "delete", "pod", "probe", "--grace-period=0", "--force").ok()
    return done.code, done.out


def test_every_organization_of_the_catalog_is_ready(deployed: Checkout, slugs: list[str]) -> None:
    ready = deployed.objects("namespaces", "-l", "isolation-ready=true")
    assert sorted(item["metadata"]["name"] for item in ready) == sorted(f"org-{slug}" for slug in slugs)
    rows = deployed.sql(
        "select slug, status, managed_by from tenancy.organizations where status <> 'DELETED' order by slug"
    )
    assert rows == [[slug, "COMMITTED", "catalog:agent-ready-k8s/dev"] for slug in sorted(slugs)]


def test_the_quota_is_enforced_and_is_the_catalogs(deployed: Checkout) -> None:
    (quota,) = deployed.objects("resourcequotas", "-n", ACME)
    assert quota["status"]["hard"] == quota["spec"]["hard"]
    assert quota["spec"]["hard"]["limits.cpu"] == "24"
    assert quota["spec"]["hard"]["requests.memory"] == "64Gi"


def test_the_namespace_carries_the_rows_operation_id(deployed: Checkout) -> None:
    rows = dict(deployed.sql("select slug, operation_id from tenancy.organizations"))
    for item in deployed.objects("namespaces", "-l", "isolation-ready=true"):
        slug = item["metadata"]["labels"]["agent-ready.io/organization"]
        assert item["metadata"]["annotations"]["agent-ready.io/operation-id"] == rows[slug]


def test_a_compliant_pod_is_refused_before_the_gate_and_admitted_after(checkout: Checkout, deployed: Checkout) -> None:
    admin = "agent-ready:zoe@zephyr.example"
    checkout.edit("zephyr-foods", name="Zephyr Foods", members=[
        {"email": "yan@zephyr.example", "role": "owner"}, {"email": "zoe@zephyr.example", "role": "admin"},
    ])  # fmt: skip
    checkout.pulumi("up", "--yes", "--skip-preview", "--exclude", "**zephyr-foods-gate").ok()
    code, said = create_pod(checkout, "org-zephyr-foods", admin)
    assert code != 0 and "is not isolated yet" in said, f"the gate is closed, yet: {said}"

    assert checkout.up().get("create") == 1, "only the gate was left to make"
    code, said = create_pod(checkout, "org-zephyr-foods", admin)
    assert code == 0, f"the gate is open, yet: {said}"


def test_a_pod_that_is_not_restricted_is_refused(deployed: Checkout) -> None:
    container = {
        "name": "probe",
        "image": "registry.invalid/x:1",
        "securityContext": {"allowPrivilegeEscalation": True},
    }
    code, said = create_pod(deployed, ACME, ACME_ADMIN, {**POD, "spec": {"containers": [container]}})
    assert code != 0 and "PodSecurity" in said


@pytest.mark.parametrize("path", ["", "--subresource=status"])
def test_the_gates_label_cannot_be_forged_with_every_right_in_the_namespace(deployed: Checkout, path: str) -> None:
    """A Role with `*` on everything reaches the Namespace object itself, its status and finalize too."""
    role = ["-n", ACME, "create", "role", "everything", "--verb=*", "--resource=*.*", "--resource=*"]
    deployed.kubectl(*role, "--dry-run=client", "-o", "name").ok()
    manifest = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": {"name": "everything", "namespace": ACME},
                "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                "metadata": {"name": "everything", "namespace": ACME},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "everything"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "agent-ready:mallory"}],
            },
        ],
    }  # fmt: skip
    deployed.kubectl("apply", "-f", "-", stdin=json.dumps(manifest)).ok()
    try:
        options = [path] if path else []
        no_change = '{"metadata":{"labels":{"isolation-ready":"true"}}}'
        reached = deployed.kubectl(
            *("patch", "namespace", ACME, *options, "-p", no_change, "--dry-run=server"),
            user="agent-ready:mallory",
        )
        reached.ok()
        for value in ('"false"', "null"):
            change = f'{{"metadata":{{"labels":{{"isolation-ready":{value}}}}}}}'
            forged = deployed.kubectl("patch", "namespace", ACME, *options, "-p", change, user="agent-ready:mallory")
            assert forged.code != 0 and "isolation gate only" in forged.out, forged.out
    finally:
        deployed.kubectl("delete", "-f", "-", stdin=json.dumps(manifest))


def test_a_member_can_do_nothing_in_another_organization(deployed: Checkout) -> None:
    """Every verb on every kind that the API server serves, asked of the API server itself."""
    listed = deployed.kubectl("api-resources", "--namespaced", "-o", "name").ok().out.split()
    assert len(listed) > 20
    for user in (ACME_ADMIN, ACME_VIEWERLESS_MEMBER):
        granted = deployed.kubectl("auth", "can-i", "--list", "-n", NORTHWIND, "--no-headers", user=user).ok().out
        everybody = deployed.kubectl("auth", "can-i", "--list", "-n", NORTHWIND, "--no-headers", user="nobody").ok().out
        assert sorted(granted.splitlines()) == sorted(everybody.splitlines()), f"{user} holds more than a stranger"
        for attempt in (["get", "pods"], ["get", "secrets"], ["get", "resourcequotas"], ["get", "rolebindings"]):
            refused = deployed.kubectl(*attempt, "-n", NORTHWIND, user=user)
            assert refused.code != 0 and "forbidden" in refused.out.lower()
        code, said = create_pod(deployed, NORTHWIND, user)
        assert code != 0 and "forbidden" in said.lower()
    assert deployed.kubectl("get", "pods", "-n", NORTHWIND, user=NORTHWIND_OWNER).code == 0, "its owner can"


def test_an_admin_touches_neither_quota_nor_limits_nor_namespace(deployed: Checkout) -> None:
    for kind, name in (("resourcequota", "quota"), ("limitrange", "limits"), ("namespace", ACME)):
        refused = deployed.kubectl("-n", ACME, "delete", kind, name, "--dry-run=server", user=ACME_ADMIN)
        assert refused.code != 0 and "forbidden" in refused.out.lower(), refused.out


def test_the_platforms_identity_is_no_cluster_administrator(deployed: Checkout) -> None:
    whoami = deployed.kubectl("auth", "whoami", "--kubeconfig", ".local/kubeconfig-pulumi", "-o", "json").ok()
    info = json.loads(whoami.out)["status"]["userInfo"]
    assert info["username"] == "agent-ready:pulumi" and "system:masters" not in info["groups"]
    own = ["--kubeconfig", ".local/kubeconfig-pulumi"]
    for asked in (["get", "secrets", "-A"], ["create", "clusterrolebindings"], ["escalate", "clusterroles"]):
        answer = deployed.kubectl("auth", "can-i", *asked, *own)
        assert answer.out.strip().endswith("no"), f"the platform's identity may {' '.join(asked)}"


def test_the_application_role_sees_one_organization_at_a_time(deployed: Checkout) -> None:
    def seen(context: str) -> str:
        statement = f"begin; {context} select count(*) from tenancy.organizations; commit;"
        return deployed.sql(statement, role="DATABASE_URL")[-1][0]

    org = deployed.sql("select id from tenancy.organizations where slug = 'contoso'")[0][0]
    assert seen("") == "0", "no context, no rows"
    assert seen("set local app.current_org = '';") == "0", "an empty context is none"
    assert seen(f"set local app.current_org = '{org}';") == "1"
