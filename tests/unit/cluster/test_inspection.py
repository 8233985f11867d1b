"""What keeps a namespace from being imported: each thing that no tenant could have made, named; honest work passes."""

import asyncio
from typing import Any

import pytest

from cluster import inspection
from cluster.api import Json
from cluster.errors import ApiRefused, NotImportable
from tenants.permissions import RULES
from tests.unit.cluster.fakes import BINDINGS, DISCOVERY, NAMESPACE, NETWORK, POLICIES, RBAC, FakeCluster, announced

ENFORCE = "pod-security.kubernetes.io/enforce"
LABELS = {ENFORCE: "restricted", "agent-ready.io/plan": "starter"}
EXPOSED = {**LABELS, "agent-ready.io/expose-load-balancer": "true"}
ROLES = f"/apis/{RBAC}/v1/namespaces/org-acme/roles"
SLICES = f"/apis/{DISCOVERY}/v1/namespaces/org-acme/endpointslices"
ANYWHERE = f"/apis/{RBAC}/v1"
AS_USER = {"kind": "User", "name": "system:serviceaccount:org-acme:app"}
APIS = "/apis/apiregistration.k8s.io/v1"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"
OWN = {"kind": "ServiceAccount", "name": "app", "namespace": "org-acme"}
MADE_BY_KUBERNETES = {
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    "kubernetes.io/service-name": "web",
}


def look(cluster: FakeCluster, wanted: dict[str, str] = LABELS, **meta: Any) -> list[str]:
    """What is found in org-acme, whose Namespace has this metadata."""
    namespace = cluster.put(NAMESPACE, {"metadata": meta, "spec": meta.pop("spec", {"finalizers": ["kubernetes"]})})
    found = asyncio.run(inspection.findings(cluster, namespace, wanted))
    assert cluster.writes() == [], "looking changes nothing"
    return found


def finding(path: str, body: Json, labels: dict[str, str] = LABELS) -> str:
    """What is said of the one object at `path`; "" if it may stay."""
    cluster = announced()
    cluster.put(path, body)
    return "\n".join(look(cluster, labels))


def bound(role: str, *subjects: Json, kind: str = "ClusterRole") -> Json:
    return {"roleRef": {"kind": kind, "name": role}, "subjects": list(subjects)}


def opening(direction: str, *peers: Json) -> Json:
    side = "from" if direction == "ingress" else "to"
    return {"spec": {"podSelector": {}, direction: [{side: list(peers)} if peers else {}]}}


def test_a_namespace_of_honest_work_may_be_imported() -> None:
    cluster = announced()
    for path, body in {
        f"{NAMESPACE}/configmaps/settings": {},
        f"{NAMESPACE}/pods/web-1": {"spec": {"priorityClassName": "high"}},
        f"{NAMESPACE}/services/web": {"spec": {"type": "ClusterIP", "selector": {"app": "web"}}},
        f"{NAMESPACE}/services/plain": {"spec": {}},
        f"{NAMESPACE}/endpoints/web": {},
        f"{SLICES}/web-x": {"metadata": {"labels": MADE_BY_KUBERNETES}},
        f"{NAMESPACE}/secrets/key": {"type": "Opaque"},
        f"{NAMESPACE}/serviceaccounts/default": {"metadata": {"finalizers": ["orphan"]}},
        f"{NAMESPACE}/resourcequotas/theirs": {},
        f"{ROLES}/reader": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        f"{ROLES}/empty": {},
        f"{BINDINGS}/reader": bound("reader", OWN, kind="Role"),
        f"{BINDINGS}/view": bound("agent-ready:viewer", OWN),
        f"{POLICIES}/default-deny": {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}},
        f"{POLICIES}/inside": opening("ingress", {"podSelector": {}}),
        "/apis/apps/v1/namespaces/org-acme/deployments/web": {},
    }.items():
        cluster.put(path, body)
    assert look(cluster) == [], "nothing of this reaches beyond the namespace"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (f"{BINDINGS}/evil", bound("evil", {"kind": "User", "name": "mallory"}, kind="Role"), "binds others than"),
        (f"{BINDINGS}/evil", bound("evil", {"kind": "Group", "name": "system:authenticated"}), "binds others than"),
        (f"{BINDINGS}/evil", bound("evil", {**OWN, "namespace": "org-other"}, kind="Role"), "binds others than"),
        (f"{BINDINGS}/evil", bound("cluster-admin", OWN), "binds the ClusterRole cluster-admin"),
        (f"{BINDINGS}/evil", bound("agent-ready:import", OWN), "binds the ClusterRole agent-ready:import"),
        (f"{BINDINGS}/agent-ready-import", bound("cluster-admin", OWN), "binds the ClusterRole cluster-admin"),
        (f"{BINDINGS}/organization-owners", bound("reader", OWN, kind="Role"), "has a name that is kept"),
        (f"{ROLES}/evil", {"rules": [{"apiGroups": [""], "resources": ["pods/*"], "verbs": ["get"]}]}, "a wildcard"),
        (f"{ROLES}/evil", {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}]}, "a wildcard"),
        (f"{ROLES}/evil", {"rules": [{"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["bind"]}]}, "grants bind"),
        (f"{ROLES}/evil", {"rules": [{"resources": ["serviceaccounts"], "verbs": ["impersonate"]}]}, "impersonate"),
        (f"{POLICIES}/evil", opening("ingress"), "beyond the namespace"),
        (f"{POLICIES}/evil", opening("egress"), "beyond the namespace"),
        (f"{POLICIES}/evil", opening("ingress", {"namespaceSelector": {}, "podSelector": {}}), "beyond the namespace"),
        (f"{POLICIES}/evil", opening("egress", {"podSelector": {}}, {"ipBlock": {}}), "beyond the namespace"),
        (f"{POLICIES}/default-deny", opening("ingress", {"podSelector": {}}), "has a name that is kept"),
        (f"{POLICIES}/allow-from-other", opening("ingress", {"podSelector": {}}), "has a name that is kept"),
        (f"{NAMESPACE}/services/evil", {"spec": {"type": "LoadBalancer"}}, "is of type LoadBalancer"),
        (f"{NAMESPACE}/services/evil", {"spec": {"type": "ExternalName"}}, "is of type ExternalName"),
        (f"{NAMESPACE}/services/evil", {"spec": {"externalIPs": ["192.0.2.1"]}}, "names externalIPs"),
        (f"{NAMESPACE}/endpoints/evil", {}, "was written by hand"),
        (f"{SLICES}/evil", {"metadata": {"labels": MADE_BY_KUBERNETES}}, "was written by hand"),
        (f"{NAMESPACE}/secrets/evil", {"type": "kubernetes.io/service-account-token"}, "a token that never ends"),
        (f"{NAMESPACE}/secrets/database", {"type": "Opaque"}, "would be overwritten"),
        (f"{NAMESPACE}/pods/evil", {"spec": {"priorityClassName": "system-node-critical"}}, "a priority that is"),
        (f"{NAMESPACE}/configmaps/evil", {"metadata": {"finalizers": ["evil.example/stay"]}}, "evil.example/stay"),
        (f"{NAMESPACE}/configmaps/evil", {"metadata": {"labels": {"agent-ready.io/baseline": "true"}}}, "a label of"),
        (f"/apis/{NETWORK}/v1/namespaces/org-acme/ingresses/evil", {}, "is of a kind that tenants do not write"),
        ("/apis/cilium.io/v1/namespaces/org-acme/ciliumnetworkpolicies/evil", {}, "is of a kind that tenants do not"),
    ],
)
def test_what_no_tenant_could_have_made_is_named_with_what_is_wrong(path: str, body: Json, says: str) -> None:
    found = finding(path, body)
    assert f"/{path.rsplit('/', 1)[-1]} " in found and says in found, "the text names the object and the rule"


def test_an_object_is_named_as_kubectl_deletes_it() -> None:
    cluster = announced()
    cluster.put(f"{BINDINGS}/evil", bound("cluster-admin", OWN))
    cluster.put(f"{NAMESPACE}/services/evil", {"spec": {"type": "NodePort"}})
    assert [text.split(" ")[0] for text in look(cluster)] == ["services/evil", f"rolebindings.{RBAC}/evil"], "all of it"


def test_the_consent_itself_is_no_finding() -> None:
    pulumi = {"kind": "User", "name": "agent-ready:pulumi"}
    assert finding(f"{BINDINGS}/agent-ready-import", bound("agent-ready:import", pulumi)) == "", "else nothing imports"


def test_what_the_catalog_exposes_may_stand() -> None:
    assert finding(f"{NAMESPACE}/services/web", {"spec": {"type": "LoadBalancer"}}, EXPOSED) == "", "network.expose"
    assert "type NodePort" in finding(f"{NAMESPACE}/services/web", {"spec": {"type": "NodePort"}}, EXPOSED), "not this"
    addresses = {"ipBlock": {"cidr": "0.0.0.0/0"}}
    assert finding(f"{POLICIES}/open", opening("ingress", addresses), EXPOSED) == "", (
        "who may be called may say by whom"
    )
    assert finding(f"{POLICIES}/open", opening("egress", addresses), EXPOSED), "calling out is never the tenant's own"


def test_a_slice_beside_a_services_own_is_found() -> None:
    cluster = announced()
    cluster.put(f"{NAMESPACE}/services/web", {"spec": {"selector": {"app": "web"}}})
    cluster.put(f"{SLICES}/evil", {"metadata": {"labels": {"kubernetes.io/service-name": "web"}}})
    assert "was written by hand" in "\n".join(look(cluster)), "its addresses would be the Service's"


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ({"labels": {"isolation-ready": "true"}}, "the gate's label isolation-ready"),
        ({"ownerReferences": [{"kind": "Project", "name": "x"}]}, "belongs to Project x"),
        ({"finalizers": ["evil.example/stay"]}, "evil.example/stay"),
        ({"spec": {"finalizers": ["kubernetes", "evil.example/stay"]}}, "finalizers evil.example/stay"),
    ],
)
def test_a_namespace_that_would_open_or_go_or_stay_by_itself_is_refused(meta: Json, says: str) -> None:
    assert says in "\n".join(look(announced(), **meta)), "the Namespace object is looked at too"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (f"{ANYWHERE}/clusterrolebindings/x", bound("cluster-admin", OWN), "clusterrolebindings/x trusts"),
        (
            f"{ANYWHERE}/clusterrolebindings/x",
            bound("view", {"kind": "Group", "name": "system:serviceaccounts:org-acme"}),
            "clusterrolebindings/x trusts",
        ),
        (
            f"{ANYWHERE}/rolebindings/x",
            {"metadata": {"namespace": "kube-system"}, **bound("x", AS_USER)},
            "rolebindings/x of namespace kube-system trusts",
        ),
        (
            f"{WEBHOOKS}/validatingwebhookconfigurations/x",
            {"webhooks": [{"clientConfig": {"service": {"namespace": "org-acme", "name": "hook"}}}]},
            "validatingwebhookconfigurations/x trusts",
        ),
        (f"{APIS}/apiservices/x", {"spec": {"service": {"namespace": "org-acme"}}}, "apiservices/x trusts"),
    ],
)
def test_who_trusts_the_namespace_from_outside_is_named(path: str, body: Json, says: str) -> None:
    assert says in finding(path, body), "what they grant would go to the tenant's admins"


@pytest.mark.parametrize(
    "body",
    [
        bound("view", {"kind": "Group", "name": "system:serviceaccounts:org-acme-2"}),
        bound("view", {**OWN, "namespace": "org-other"}),
        {"metadata": {"namespace": "org-acme"}, **bound("reader", OWN, kind="Role")},
    ],
)
def test_who_trusts_another_or_is_inside_is_not_named(body: Json) -> None:
    assert finding(f"{ANYWHERE}/rolebindings/x", body) == "", "only what reaches in from outside"


def test_pods_are_judged_by_pod_security_itself_under_our_labels() -> None:
    cluster = announced()
    cluster.warned = [
        'existing pods in namespace "org-acme" violate the new PodSecurity enforce level',
        "web: privileged",
    ]
    found = look(cluster)
    assert found == [f"pods: {text}" for text in cluster.warned], "the API server's own words"
    asked = cluster.dry_run["metadata"]["labels"]
    assert asked == {ENFORCE: "restricted", f"{ENFORCE}-version": "v1.999"}, "a changed version makes it look at all"


def test_pods_are_judged_even_where_the_label_was_prepared() -> None:
    cluster = announced()
    namespace = cluster.put(
        NAMESPACE, {"metadata": {"labels": {ENFORCE: "restricted", f"{ENFORCE}-version": "v1.999"}}}
    )
    asyncio.run(inspection.findings(cluster, namespace, LABELS))
    assert cluster.dry_run["metadata"]["labels"][f"{ENFORCE}-version"] == "latest", "always another than what stands"


def test_warnings_of_others_are_no_finding() -> None:
    cluster = announced()
    cluster.warned = ["a webhook says hello"]
    assert look(cluster) == [], "only Pod Security judges pods"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"{NAMESPACE}/configmaps", "kubectl -n org-acme create rolebinding agent-ready-import"),
        (f"{ANYWHERE}/clusterrolebindings", "applies deploy/identity/. Run again"),
    ],
)
def test_what_may_not_be_looked_at_is_refused_with_the_way_to_allow_it(path: str, says: str) -> None:
    cluster = announced()

    def forbid(asked: str) -> None:
        if asked == path:
            raise ApiRefused(403, "Forbidden", f"GET {path}: cannot list")

    cluster.before_get = forbid
    with pytest.raises(NotImportable, match="nothing was changed") as refused:
        look(cluster)
    assert says in str(refused.value), "the text gives the command"


def test_another_refusal_is_passed_on() -> None:
    cluster = announced()

    def fail(asked: str) -> None:
        raise ApiRefused(500, "InternalError", "broken")

    cluster.before_get = fail
    with pytest.raises(ApiRefused, match="broken"):
        look(cluster)


def test_a_kind_that_is_announced_and_cannot_be_listed_stops_the_import() -> None:
    cluster = announced()
    del cluster.objects["/apis/cilium.io/v1"]
    with pytest.raises(NotImportable, match=r"/apis/cilium\.io/v1"):
        look(cluster)


def test_every_kind_that_an_admin_writes_may_stand() -> None:
    kinds = {f"{resource}.{rule.group}".rstrip(".") for rule in RULES["admin"] for resource in rule.resources}
    assert {"pods", "secrets", "jobs.batch", f"rolebindings.{RBAC}"} <= kinds & inspection._WRITTEN, "by the same table"
    assert f"ingresses.{NETWORK}" not in inspection._WRITTEN, "what is only read is not written"


def test_the_consent_is_ended_once_and_gone_already_is_fine() -> None:
    cluster = announced()
    cluster.put(f"{BINDINGS}/agent-ready-import", {})
    for _ in range(2):
        asyncio.run(inspection.end_consent(cluster, "org-acme"))
    assert cluster.writes() == [("DELETE", f"{BINDINGS}/agent-ready-import")], "exactly that binding"
