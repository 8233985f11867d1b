"""An adversary inside an organization: with every right of its admin, and with `*` on everything in its namespace.

Each attempt goes to the real API server under a certificate of the adversary's own and must be refused for the reason
that stands beside it; the counter-tests do a tenant's honest work with the same certificates.
"""

import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from localplane.certificates import Pair, Subject, issue
from tests.e2e.checkout import Checkout

Json = dict[str, Any]
OWN, OTHER = "org-acme-robotics", "org-northwind-logistics"
ADMIN, MALLORY = "agent-ready:grace@acme.example", "agent-ready:mallory"
RBAC = "is forbidden: User"  # how Kubernetes says that no Role grants it
ESCALATION = "attempting to grant RBAC permissions not currently held"
RBAC_GROUP = "rbac.authorization.k8s.io"


class Client:
    """One identity at the API server, by its own client certificate."""

    def __init__(self, checkout: Checkout, pki: Path, name: str) -> None:
        kubeconfig = yaml.safe_load((checkout.folder / ".local" / "kubeconfig").read_text())
        trust = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        trust.load_cert_chain(pki / f"{name}.crt", pki / f"{name}.key")
        server = kubeconfig["clusters"][0]["cluster"]["server"]
        self._http = httpx2.Client(base_url=server, verify=trust, trust_env=False, timeout=15)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Json | None = None, **headers: str) -> tuple[int, Json]:
        """The status and the answer; a PATCH is a merge patch."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        content = json.dumps(body) if body is not None else None
        answer = self._http.request(method, path, content=content, headers={"Content-Type": kind, **headers})
        try:
            return answer.status_code, answer.json()
        except ValueError:
            return answer.status_code, {"message": answer.text}

    def ok(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer of a call that must succeed."""
        code, answer = self.call(method, path, body)
        assert code < 300, f"{method} {path}: {code} {answer.get('message')}"
        return answer


@dataclass(frozen=True)
class Cast:
    """Who acts: the cluster's administrator, the platform, an organization's admin, and one who holds `*` there."""

    root: Client
    platform: Client
    admin: Client
    mallory: Client


def namespaced(resource: str, group: str = "", namespace: str = OWN, version: str = "v1") -> str:
    """The collection's path."""
    return f"{f'/apis/{group}' if group else '/api'}/{version}/namespaces/{namespace}/{resource}"


def named(name: str = "evil", **content: object) -> Json:
    return {"metadata": {"name": name}, **content}


def marked(**marks: object) -> Json:
    return {"metadata": {"name": "evil", **marks}}


def role_binding(role: str, *subjects: Json, kind: str = "ClusterRole", name: str = "evil") -> Json:
    return named(name, roleRef={"apiGroup": RBAC_GROUP, "kind": kind, "name": role}, subjects=list(subjects))


def role(verbs: list[str], resources: list[str], groups: list[str]) -> Json:
    return named("evil", rules=[{"apiGroups": groups, "resources": resources, "verbs": verbs}])


def person(name: str) -> Json:
    return {"apiGroup": RBAC_GROUP, "kind": "User", "name": name}


def crowd(name: str) -> Json:
    return {"apiGroup": RBAC_GROUP, "kind": "Group", "name": name}


def account(name: str = "default", namespace: str = OWN) -> Json:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def pod_spec(**more: object) -> Json:
    """A pod that Pod Security admits."""
    container = {
        "name": "main",
        "image": "registry.invalid/main:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"securityContext": security, "containers": [container], **more}


def template(spec: Json, **metadata: object) -> Json:
    return {"metadata": {"labels": {"app": "evil"}, **metadata}, "spec": spec}


def deployment(name: str = "evil", replicas: int = 1, **more: object) -> Json:
    selector = {"matchLabels": {"app": "evil"}}
    return named(name, spec={"replicas": replicas, "selector": selector, "template": template(pod_spec(**more))})


def claim(**spec: object) -> Json:
    size = {"requests": {"storage": "1Gi"}}
    return named(spec={"accessModes": ["ReadWriteOnce"], "resources": size, "storageClassName": "", **spec})


def service(**spec: object) -> Json:
    return named(spec={"selector": {"app": "x"}, "ports": [{"port": 80}], **spec})


def network(name: str = "evil", **rules: object) -> Json:
    return named(name, spec={"podSelector": {}, **rules})


NAMESPACE = f"/api/v1/namespaces/{OWN}"
PODS, SERVICES, SECRETS, MAPS = (namespaced(kind) for kind in ("pods", "services", "secrets", "configmaps"))
CLAIMS, QUOTA, LIMITS = (namespaced(k) for k in ("persistentvolumeclaims", "resourcequotas", "limitranges"))
NETWORKS = namespaced("networkpolicies", "networking.k8s.io")
ROLES, BINDINGS = namespaced("roles", RBAC_GROUP), namespaced("rolebindings", RBAC_GROUP)
DEPLOYMENTS = namespaced("deployments", "apps")
SLICES = namespaced("endpointslices", "discovery.k8s.io")

BASELINE, NAMESPACES = "agent-ready-baseline", "agent-ready-namespaces"
LABEL, KINDS, FINALIZERS = "agent-ready-isolation-label", "agent-ready-tenant-kinds", "agent-ready-tenant-finalizers"
BIND, ROLE, NET = "agent-ready-tenant-bindings", "agent-ready-tenant-roles", "agent-ready-tenant-network"
SERVICE, PLACE, VOLUMES = "agent-ready-services", "agent-ready-pods-stay-in-place", "agent-ready-volumes"
TOKENS, SECURITY = "agent-ready-secrets", "violates PodSecurity"


@dataclass(frozen=True)
class Attempt:
    """What is tried, and `by` which of these it must be refused."""

    what: str
    method: str
    path: str
    body: Json | None
    by: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)

    def refusal(self, client: Client) -> tuple[int, str]:
        dry = "" if "proxy" in self.path or self.method == "GET" else "?dryRun=All"
        code, answer = client.call(self.method, self.path + dry, self.body, **self.headers)
        return code, str(answer.get("message"))


def labels(**values: str | None) -> Json:
    return {"metadata": {"labels": {key.replace("_", "-"): value for key, value in values.items()}}}


PRIVILEGED = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
NAMESPACE_ATTEMPTS = [
    Attempt("close the gate", "PATCH", NAMESPACE, labels(isolation_ready="false"), (LABEL,)),
    Attempt("remove the gate's label", "PATCH", NAMESPACE, labels(isolation_ready=None), (LABEL,)),
    Attempt("change the gate's label by status", "PATCH", f"{NAMESPACE}/status", labels(isolation_ready="no"),
        (LABEL,)),
    Attempt("lower Pod Security", "PATCH", NAMESPACE, PRIVILEGED, (NAMESPACES,)),
    Attempt("lower Pod Security by status", "PATCH", f"{NAMESPACE}/status", PRIVILEGED, (NAMESPACES,)),
    Attempt("lower Pod Security and close the gate at once", "PATCH", NAMESPACE,
            {"metadata": {"labels": {**PRIVILEGED["metadata"]["labels"], "isolation-ready": "x"}}},
                (LABEL, NAMESPACES)),
    Attempt("any label", "PATCH", NAMESPACE, labels(harmless="yes"), (NAMESPACES,)),
    Attempt("an annotation", "PATCH", NAMESPACE, {"metadata": {"annotations": {"a": "b"}}}, (NAMESPACES,)),
    Attempt("another operation's id", "PATCH", NAMESPACE,
            {"metadata": {"annotations": {"agent-ready.io/operation-id": "x"}}}, (NAMESPACES,)),
    Attempt("a finalizer", "PATCH", NAMESPACE, {"metadata": {"finalizers": ["evil.example/x"]}}, (NAMESPACES,)),
    Attempt("allow load balancers", "PATCH", NAMESPACE,
            {"metadata": {"labels": {"agent-ready.io/expose-load-balancer": "true"}}}, (NAMESPACES,)),
    Attempt("its status", "PATCH", f"{NAMESPACE}/status",
            {"status": {"conditions": [{"type": "Evil", "status": "True", "reason": "x", "message": "x",
                                        "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}, (NAMESPACES,)),
    Attempt("finalize", "PUT", f"{NAMESPACE}/finalize", named(OWN, spec={"finalizers": []}), (NAMESPACES, LABEL)),
    Attempt("delete it", "DELETE", NAMESPACE, None, (NAMESPACES,)),
    Attempt("make an organization", "POST", "/api/v1/namespaces", named("org-evil"), (RBAC,)),
    Attempt("make an open organization", "POST", "/api/v1/namespaces",
            {"metadata": {"name": "org-evil", "labels": {"isolation-ready": "true"}}}, (RBAC,)),
]  # fmt: skip

BASELINE_ATTEMPTS = [
    Attempt("raise the quota", "PATCH", f"{QUOTA}/quota", {"spec": {"hard": {"pods": "9999"}}}, (BASELINE, KINDS)),
    Attempt("raise the quota's status", "PATCH", f"{QUOTA}/quota/status", {"status": {"hard": {"pods": "9999"}}},
            (BASELINE, KINDS)),
    Attempt("take the quota's label", "PATCH", f"{QUOTA}/quota", {"metadata": {"labels": None}}, (BASELINE, KINDS)),
    Attempt("let the garbage collector take the quota", "PATCH", f"{QUOTA}/quota",
            {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}]}},
            (BASELINE, KINDS)),
    Attempt("delete the quota", "DELETE", f"{QUOTA}/quota", None, (BASELINE, KINDS)),
    Attempt("delete all quotas", "DELETE", QUOTA, None, (BASELINE, KINDS)),
    Attempt("another quota", "POST", QUOTA, named(spec={"hard": {"pods": "1"}}), (BASELINE, KINDS)),
    Attempt("delete the limits", "DELETE", f"{LIMITS}/limits", None, (BASELINE, KINDS)),
    Attempt("change the limits", "PATCH", f"{LIMITS}/limits", {"spec": {"limits": []}}, (BASELINE, KINDS)),
    Attempt("delete default-deny", "DELETE", f"{NETWORKS}/default-deny", None, (BASELINE,)),
    Attempt("delete every NetworkPolicy", "DELETE", NETWORKS, None, (BASELINE,)),
    Attempt("open default-deny", "PATCH", f"{NETWORKS}/default-deny", {"spec": {"ingress": [{}]}}, (BASELINE, NET)),
    Attempt("open default-deny for its own pods", "PATCH", f"{NETWORKS}/default-deny",
            {"spec": {"ingress": [{"from": [{"podSelector": {}}]}]}}, (BASELINE, NET)),
    Attempt("take default-deny's label", "PATCH", f"{NETWORKS}/default-deny",
            {"metadata": {"labels": {"agent-ready.io/baseline": None}}}, (BASELINE,)),
    Attempt("delete the owners' binding", "DELETE", f"{BINDINGS}/organization-owners", None, (BASELINE,)),
    Attempt("add a member", "PATCH", f"{BINDINGS}/organization-admins",
            {"subjects": [person(ADMIN), person(MALLORY)]}, (BASELINE, BIND)),
    Attempt("mount the default account's token", "PATCH", namespaced("serviceaccounts/default"),
            {"automountServiceAccountToken": True}, (BASELINE,)),
    Attempt("an object with the platform's label", "POST", MAPS, marked(labels={"agent-ready.io/baseline": "true"}),
            (BASELINE,)),
    Attempt("a pod with a label of the platform's", "POST", PODS,
            {"metadata": {"name": "evil", "labels": {"agent-ready.io/organization": "other"}}, "spec": pod_spec()},
            (BASELINE,)),
]  # fmt: skip

RIGHTS_ATTEMPTS = [
    Attempt("bind cluster-admin to itself", "POST", BINDINGS, role_binding("cluster-admin", person(ADMIN)),
            (BIND, ESCALATION)),
    Attempt("bind cluster-admin to its account", "POST", BINDINGS, role_binding("cluster-admin", account()),
            (BIND, ESCALATION)),
    Attempt("invite a user", "POST", BINDINGS, role_binding("agent-ready:viewer", person("agent-ready:eve")), (BIND,)),
    Attempt("invite everybody", "POST", BINDINGS, role_binding("agent-ready:viewer", crowd("system:authenticated")),
            (BIND,)),
    Attempt("invite all accounts", "POST", BINDINGS,
            role_binding("agent-ready:viewer", crowd("system:serviceaccounts")),
            (BIND,)),
    Attempt("invite another organization's account", "POST", BINDINGS,
            role_binding("agent-ready:viewer", account(namespace=OTHER)), (BIND,)),
    Attempt("an account of another organization as a user", "POST", BINDINGS,
            role_binding("agent-ready:viewer", person(f"system:serviceaccount:{OTHER}:default")), (BIND,)),
    Attempt("one good and one bad subject", "POST", BINDINGS,
            role_binding("agent-ready:viewer", account(), crowd("system:authenticated")), (BIND,)),
    Attempt("a name that the catalog may need", "POST", BINDINGS,
            role_binding("agent-ready:viewer", account(), name="organization-viewers"), (BIND,)),
    Attempt("the platform's ClusterRole", "POST", BINDINGS, role_binding("agent-ready:platform", account()),
            (BIND, ESCALATION)),
    Attempt("a Role with every right", "POST", ROLES, role(["*"], ["*"], ["*"]), (ROLE, ESCALATION)),
    Attempt("a Role with every verb on pods", "POST", ROLES, role(["*"], ["pods"], [""]), (ROLE, ESCALATION)),
    Attempt("a Role on every scale", "POST", ROLES, role(["get"], ["*/scale"], ["apps"]), (ROLE, ESCALATION)),
    Attempt("a Role that escalates", "POST", ROLES, role(["escalate"], ["roles"], [RBAC_GROUP]), (ROLE, ESCALATION)),
    Attempt("a Role that binds", "POST", ROLES, role(["bind"], ["roles"], [RBAC_GROUP]), (ROLE, ESCALATION)),
    Attempt("a Role that impersonates", "POST", ROLES, role(["impersonate"], ["serviceaccounts"], [""]),
            (ROLE, ESCALATION)),
    Attempt("a ClusterRole", "POST", f"/apis/{RBAC_GROUP}/v1/clusterroles", role(["get"], ["pods"], [""]), (RBAC,)),
    Attempt("a ClusterRoleBinding", "POST", f"/apis/{RBAC_GROUP}/v1/clusterrolebindings",
            role_binding("cluster-admin", person(MALLORY)), (RBAC,)),
    Attempt("a token for an account", "POST", namespaced("serviceaccounts/default/token"),
            {"spec": {"audiences": [], "expirationSeconds": 315360000}}, (KINDS,)),
    Attempt("a token that never ends", "POST", SECRETS,
            {"metadata": {"name": "evil", "annotations": {"kubernetes.io/service-account.name": "default"}},
             "type": "kubernetes.io/service-account-token"}, (TOKENS,)),
    Attempt("the name of the platform's Secret", "POST", SECRETS, named("database"), (TOKENS,)),
    Attempt("the name of its other Secret", "POST", SECRETS, named("live-configuration"), (TOKENS,)),
    Attempt("a certificate for another identity", "POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests",
            named(spec={"request": "eA==", "signerName": "kubernetes.io/kube-apiserver-client",
                "usages": ["client auth"]}),
            (RBAC,)),
    Attempt("ask whose a token is", "POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": "x"}},
            (RBAC,)),
    Attempt("ask what another may do", "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {"spec": {"user": "x", "nonResourceAttributes": {"path": "/", "verb": "get"}}}, (RBAC,)),
    *(
        Attempt(f"act as {who}", "GET", NAMESPACE, None, ("cannot impersonate",), {header: who})
        for header, who in (
            ("Impersonate-User", "agent-ready:pulumi"), ("Impersonate-User", "system:admin"),
            ("Impersonate-User", "agent-ready:canary"), ("Impersonate-User", "agent-ready:nadia@northwind.example"),
            ("Impersonate-User", f"system:serviceaccount:{OTHER}:default"),
            ("Impersonate-User", "system:serviceaccount:kube-system:namespace-controller"),
            ("Impersonate-User", "system:node:node-1"),
        )
    ),
    Attempt("act as its own account in the group of masters", "GET", NAMESPACE, None, ("cannot impersonate",),
            {"Impersonate-User": f"system:serviceaccount:{OWN}:default", "Impersonate-Group": "system:masters"}),
]  # fmt: skip

NAMESPACE_SELECTOR = {"namespaceSelector": {}}
ANYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}
NETWORK_ATTEMPTS = [
    Attempt("let everybody in", "POST", NETWORKS, network(ingress=[{}]), (NET,)),
    Attempt("let everybody in by an empty list", "POST", NETWORKS, network(ingress=[{"from": []}]), (NET,)),
    Attempt("let everybody in on one port", "POST", NETWORKS, network(ingress=[{"ports": [{"port": 80}]}]), (NET,)),
    Attempt("let addresses in", "POST", NETWORKS, network(ingress=[{"from": [ANYWHERE]}]), (NET,)),
    Attempt("let namespaces in", "POST", NETWORKS, network(ingress=[{"from": [NAMESPACE_SELECTOR]}]), (NET,)),
    Attempt("let pods of other namespaces in", "POST", NETWORKS,
            network(ingress=[{"from": [{**NAMESPACE_SELECTOR, "podSelector": {}}]}]), (NET,)),
    Attempt("a good peer and a bad one", "POST", NETWORKS, network(ingress=[{"from": [{"podSelector": {}}, ANYWHERE]}]),
            (NET,)),
    Attempt("go anywhere", "POST", NETWORKS, network(policyTypes=["Egress"], egress=[{}]), (NET,)),
    Attempt("go to addresses", "POST", NETWORKS, network(egress=[{"to": [ANYWHERE]}]), (NET,)),
    Attempt("go to the cloud's metadata", "POST", NETWORKS,
            network(egress=[{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}]}]), (NET,)),
    Attempt("go to namespaces", "POST", NETWORKS, network(egress=[{"to": [NAMESPACE_SELECTOR]}]), (NET,)),
    Attempt("a name that the catalog may need", "POST", NETWORKS,
            network("allow-from-other", ingress=[{"from": [{"podSelector": {}}]}]), (NET,)),
    *(
        Attempt(f"a Service of type {kind}", "POST", SERVICES, service(type=kind), (SERVICE,))
        for kind in ("NodePort", "LoadBalancer")
    ),
    Attempt("a Service that is another name", "POST", SERVICES,
            named(spec={"type": "ExternalName", "externalName": f"db.{OTHER}.svc.cluster.local"}), (SERVICE,)),
    Attempt("a Service that takes others' addresses", "POST", SERVICES, service(externalIPs=["8.8.8.8"]), (SERVICE,)),
    Attempt("Endpoints elsewhere", "POST", namespaced("endpoints"),
            named(subsets=[{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]), (KINDS,)),
    Attempt("an EndpointSlice elsewhere", "POST", SLICES,
            named(addressType="IPv4", endpoints=[{"addresses": ["10.1.2.3"]}], ports=[{"port": 80}]), (KINDS,)),
    Attempt("an Ingress for another's host", "POST", namespaced("ingresses", "networking.k8s.io"),
            named(spec={"rules": [{"host": "northwind.example", "http": {"paths": [{
                "path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": "x", "port": {"number": 80}}}}]}}]}), (KINDS,)),
    Attempt("requests by the API server to a Service", "GET", namespaced("services/x:80/proxy/"), None, (KINDS,)),
    Attempt("requests by the API server to a pod", "GET", namespaced("pods/x:80/proxy/"), None, (KINDS,)),
]  # fmt: skip

HOST_PATH = {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}
WORKLOAD_ATTEMPTS = [
    *(
        Attempt(f"a pod with {name}", "POST", PODS, named(spec=pod_spec(**more)), (SECURITY,))
        for name, more in {
            "the host's network": {"hostNetwork": True}, "the host's processes": {"hostPID": True},
            "the host's IPC": {"hostIPC": True}, "the host's files": HOST_PATH,
        }.items()
    ),
    Attempt("a pod that gains privileges", "POST", PODS, named(spec=pod_spec(containers=[{
        "name": "x", "image": "registry.invalid/x", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}])),
        (SECURITY,)),
    Attempt("a pod on a node of its choice", "POST", PODS, named(spec=pod_spec(nodeName="control-plane")), (PLACE,)),
    Attempt("a Deployment on a node of its choice", "POST", DEPLOYMENTS, deployment(nodeName="control-plane"),
        (PLACE,)),
    Attempt("a pod that pushes others out", "POST", PODS,
            named(spec=pod_spec(priorityClassName="system-cluster-critical")), (PLACE,)),
    Attempt("a Deployment that pushes others out", "POST", DEPLOYMENTS,
            deployment(priorityClassName="system-node-critical"), (PLACE,)),
    Attempt("a pod that never leaves", "POST", PODS,
            {"metadata": {"name": "evil", "finalizers": ["evil.example/stay"]}, "spec": pod_spec()}, (FINALIZERS,)),
    Attempt("a ConfigMap that never leaves", "POST", MAPS, marked(finalizers=["evil.example/stay"]), (FINALIZERS,)),
    Attempt("an existing object that never leaves", "PATCH", f"{MAPS}/kube-root-ca.crt",
            {"metadata": {"finalizers": ["evil.example/stay"]}}, (FINALIZERS,)),
    Attempt("put a pod on a node", "POST", f"{PODS}/x/binding", named("x", target={"kind": "Node", "name": "n"}),
        (KINDS,)),
    Attempt("put a pod on a node the old way", "POST", namespaced("bindings"),
            named("x", target={"kind": "Node", "name": "n"}), (KINDS,)),
    Attempt("a volume that another left", "POST", CLAIMS, claim(volumeName="pv-of-another"), (VOLUMES,)),
    Attempt("a device", "POST", namespaced("resourceclaims", "resource.k8s.io"), named(spec={}), (KINDS,)),
    Attempt("a kind that nobody thought of", "POST", namespaced("podtemplates"), named(template=template(pod_spec())),
            (KINDS,)),
    Attempt("more storage than there is", "POST", CLAIMS, claim(resources={"requests": {"storage": "900Ti"}}),
            ("exceeded quota", "maximum storage usage")),
    Attempt("more memory than there is", "POST", PODS, named(spec=pod_spec(containers=[{
        **pod_spec()["containers"][0], "resources": {"limits": {"memory": "9Ti"}}}])),
        ("exceeded quota", "maximum memory usage")),
    *(
        Attempt(f"a cluster-wide {path.rsplit('/', 1)[1]}", "POST", path, named(), (RBAC,))
        for path in (
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/apiregistration.k8s.io/v1/apiservices",
            "/api/v1/persistentvolumes", "/api/v1/nodes", "/apis/scheduling.k8s.io/v1/priorityclasses",
            "/apis/node.k8s.io/v1/runtimeclasses", "/apis/storage.k8s.io/v1/storageclasses",
        )
    ),
    Attempt("unbind an admission policy", "DELETE",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/agent-ready-baseline", None,
                (RBAC,)),
    *(
        Attempt(f"{method} {what} of another organization", method, path, body, (RBAC,))
        for method, what, path, body in (
            ("GET", "secrets", namespaced("secrets", namespace=OTHER), None),
            ("GET", "pods", namespaced("pods", namespace=OTHER), None),
            ("POST", "a pod", namespaced("pods", namespace=OTHER), named(spec=pod_spec())),
            ("POST", "a binding", namespaced("rolebindings", RBAC_GROUP, OTHER),
                role_binding("agent-ready:viewer", person(ADMIN))),
            ("DELETE", "the quota", namespaced("resourcequotas/quota", namespace=OTHER), None),
        )
    ),
    Attempt("secrets of the whole cluster", "GET", "/api/v1/secrets", None, (RBAC,)),
    Attempt("every namespace", "GET", "/api/v1/namespaces", None, (RBAC,)),
    Attempt("leases of the cluster's leaders", "GET", namespaced("leases", "coordination.k8s.io", "kube-system"), None,
        (RBAC,)),
]  # fmt: skip

ATTEMPTS = [*NAMESPACE_ATTEMPTS, *BASELINE_ATTEMPTS, *RIGHTS_ATTEMPTS, *NETWORK_ATTEMPTS, *WORKLOAD_ATTEMPTS]


@pytest.fixture(scope="module")
def cast(deployed: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """Certificates of their own; the cluster's administrator gives mallory `*` inside the namespace."""
    pki, folder = deployed.folder / ".local" / "pki", tmp_path_factory.mktemp("adversaries")
    authority = Pair((pki / "ca.crt").read_bytes(), (pki / "ca.key").read_bytes())
    (folder / "ca.crt").write_bytes(authority.certificate)
    for name, user in (("admin", ADMIN), ("mallory", MALLORY)):
        pair = issue(authority, Subject(user, client=True))
        (folder / f"{name}.crt").write_bytes(pair.certificate)
        (folder / f"{name}.key").write_bytes(pair.key)
    made = Cast(
        Client(deployed, pki, "client-admin"), Client(deployed, pki, "client-pulumi"),
        Client(deployed, folder, "admin"), Client(deployed, folder, "mallory"),
    )  # fmt: skip
    everything = {"metadata": {"name": "everything"}, "rules": role(["*"], ["*"], ["*"])["rules"]}
    made.root.ok("POST", ROLES, everything)
    made.root.ok("POST", BINDINGS, role_binding("everything", person(MALLORY), kind="Role", name="everything"))
    try:
        yield made
    finally:
        for collection in (BINDINGS, ROLES):
            made.root.ok("DELETE", f"{collection}/everything")
        for client in (made.root, made.platform, made.admin, made.mallory):
            client.close()


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.what)
@pytest.mark.parametrize("who", ["admin", "mallory"])
def test_an_adversary_is_refused(cast: Cast, who: str, attempt: Attempt) -> None:
    """An admin may fail for the lack of a right; who holds `*` must meet exactly the reason that the table gives."""
    code, said = attempt.refusal(getattr(cast, who))
    reasons = (*attempt.by, RBAC) if who == "admin" else attempt.by
    assert code in (403, 422), f"{attempt.what} got through: {code} {said}"
    assert any(reason in said for reason in reasons), f"{attempt.what} failed for another reason: {said}"


def test_every_policy_of_the_repository_has_an_attempt_here(deployed: Checkout) -> None:
    policies = {
        document["metadata"]["name"]
        for path in (deployed.folder / "policies" / "admission").glob("*.yaml")
        for document in yaml.safe_load_all(path.read_text())
    }
    tried = {reason for attempt in ATTEMPTS for reason in attempt.by}
    assert policies - tried == {"agent-ready-pods-wait-for-isolation"}, "that one has tests of its own below"


def test_no_policy_has_a_type_error(cast: Cast) -> None:
    stored = cast.root.ok("GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies")["items"]
    assert len(stored) > 10
    assert [
        p["metadata"]["name"] for p in stored if p["status"].get("typeChecking", {}).get("expressionWarnings")
    ] == []


def test_an_admin_may_pass_on_its_own_rights_to_an_account_of_its_own(cast: Cast) -> None:
    for allowed in ("agent-ready:viewer", "agent-ready:admin"):
        cast.admin.ok("POST", f"{BINDINGS}?dryRun=All", role_binding(allowed, account()))


HONEST: list[tuple[str, Json]] = [
    (namespaced("serviceaccounts"), named("honest")),
    (MAPS, named("honest", data={"a": "b"})),
    (SECRETS, named("honest", stringData={"a": "b"})),
    (CLAIMS, {**claim(), "metadata": {"name": "honest"}}),
    (SERVICES, {**service(), "metadata": {"name": "honest"}}),
    (NETWORKS, network("honest", ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}],
                       egress=[{"to": [{"podSelector": {}}], "ports": [{"port": 5432}]}])),
    (NETWORKS, network("closed", policyTypes=["Ingress", "Egress"])),
    (ROLES, {**role(["get", "list"], ["configmaps"], [""]), "metadata": {"name": "honest"}}),
    (BINDINGS, role_binding("honest", account("honest"), kind="Role", name="honest")),
    (DEPLOYMENTS, deployment("honest")),
    (namespaced("jobs", "batch"), named("honest", spec={"template": {"spec": pod_spec(restartPolicy="Never")}})),
]  # fmt: skip


@pytest.mark.parametrize("who", ["admin", "mallory"])
def test_honest_work_succeeds(cast: Cast, who: str) -> None:
    """Made, changed, scaled and deleted for good, and the controllers' pods appear."""
    client: Client = getattr(cast, who)
    for path, body in HONEST:
        client.ok("POST", path, body)
    try:
        until(lambda: pods(cast, OWN, "app=evil"), "the Deployment's pod appears")
        until(lambda: pods(cast, OWN, "batch.kubernetes.io/job-name=honest"), "the Job's pod appears")
        client.ok("PATCH", f"{DEPLOYMENTS}/honest/scale", {"spec": {"replicas": 2}})
        until(lambda: len(pods(cast, OWN, "app=evil")) == 2, "the second pod appears")
        client.ok("PATCH", f"{SERVICES}/honest", {"metadata": {"labels": {"a": "b"}}})
        client.ok("PATCH", f"{BINDINGS}/honest", {"metadata": {"labels": {"a": "b"}}})
    finally:
        for path, body in HONEST:
            client.call("DELETE", f"{path}/{body['metadata']['name']}?propagationPolicy=Foreground")
    until(lambda: not leftovers(cast), "everything honest is gone, finalizers of controllers included")


def debugger(security: Json) -> Json:
    main = pod_spec()["containers"][0]
    return {
        "spec": {
            "ephemeralContainers": [
                {**main, "name": "debug", "securityContext": {**main["securityContext"], **security}}
            ]
        }
    }


CHANGES = [
    Attempt("a pod's address", "PATCH", f"{PODS}/honest/status", {"status": {"podIP": "10.1.2.3"}}, (KINDS,)),
    Attempt("a Service's status, where a load balancer's address stands", "PATCH", f"{SERVICES}/honest/status",
            {"status": {"loadBalancer": {}}}, (KINDS,)),
    Attempt("a privileged debugger", "PATCH", f"{PODS}/honest/ephemeralcontainers",
            debugger({"capabilities": {"add": ["SYS_ADMIN"]}}), (SECURITY,)),
    Attempt("a pod's finalizer", "PATCH", f"{PODS}/honest", {"metadata": {"finalizers": ["evil.example/x"]}},
            (FINALIZERS,)),
    Attempt("the platform's label", "PATCH", f"{MAPS}/honest",
            {"metadata": {"labels": {"agent-ready.io/baseline": "true"}}}, (BASELINE,)),
    Attempt("a Service's type", "PATCH", f"{SERVICES}/honest", {"spec": {"type": "NodePort"}}, (SERVICE,)),
    Attempt("a Service's addresses", "PATCH", f"{SERVICES}/honest", {"spec": {"externalIPs": ["8.8.8.8"]}}, (SERVICE,)),
    Attempt("a NetworkPolicy's peers", "PATCH", f"{NETWORKS}/honest", {"spec": {"ingress": [{"from": [ANYWHERE]}]}},
            (NET,)),
    Attempt("a Role's verbs", "PATCH", f"{ROLES}/honest",
            {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}]}, (ROLE, ESCALATION)),
    Attempt("a binding's subjects", "PATCH", f"{BINDINGS}/honest", {"subjects": [person("agent-ready:eve")]}, (BIND,)),
    Attempt("a claim's volume", "PATCH", f"{CLAIMS}/honest", {"spec": {"volumeName": "pv-of-another"}}, (VOLUMES,)),
    Attempt("a template's node", "PATCH", f"{DEPLOYMENTS}/honest",
            {"spec": {"template": {"spec": {"nodeName": "control-plane"}}}}, (PLACE,)),
]  # fmt: skip


@pytest.mark.parametrize("who", ["admin", "mallory"])
def test_what_was_made_honestly_cannot_be_turned_later(cast: Cast, who: str) -> None:
    client: Client = getattr(cast, who)
    made = [*HONEST, (PODS, {**named("honest", spec=pod_spec())})]
    for path, body in made:
        client.ok("POST", path, body)
    try:
        for attempt in CHANGES:
            code, said = attempt.refusal(client)
            reasons = (*attempt.by, RBAC) if who == "admin" else attempt.by
            assert code in (403, 422), f"{attempt.what} got through: {code} {said}"
            assert any(reason in said for reason in reasons), f"{attempt.what} failed for another reason: {said}"
    finally:
        for path, body in made:
            client.call(
                "DELETE", f"{path}/{body['metadata']['name']}?propagationPolicy=Background&gracePeriodSeconds=0"
            )
    until(lambda: not leftovers(cast), "everything is gone again")


def test_deleting_all_network_policies_takes_only_the_tenants_own(cast: Cast) -> None:
    before = {p["metadata"]["name"] for p in cast.root.ok("GET", NETWORKS)["items"]}
    cast.admin.ok("POST", NETWORKS, network("own"))
    code, answer = cast.admin.call("DELETE", NETWORKS)
    assert code == 403 and BASELINE in answer["message"]
    cast.admin.call("DELETE", f"{NETWORKS}/own")
    assert {p["metadata"]["name"] for p in cast.root.ok("GET", NETWORKS)["items"]} == before


def test_a_template_cannot_smuggle_what_its_author_may_not_do(cast: Cast) -> None:
    """Controllers act with rights of their own: what they make from a tenant's template is judged as well."""
    smuggled = deployment("smuggler")
    smuggled["spec"]["template"]["metadata"].update(finalizers=["evil.example/stay"])
    cast.mallory.ok("POST", DEPLOYMENTS, smuggled)
    try:
        said = until(lambda: failure(cast, OWN, "smuggler"), "the ReplicaSet reports that its pod was refused")
        assert FINALIZERS in said
    finally:
        cast.mallory.ok("DELETE", f"{DEPLOYMENTS}/smuggler?propagationPolicy=Background")


def test_a_controllers_pods_wait_for_the_gate_and_follow_it(cast: Cast) -> None:
    """The Deployment stands, its pods are refused by name of the policy, and appear once the gate is open."""
    doomed = "org-waiting"
    with_namespace(cast, doomed)
    try:
        path = namespaced("deployments", "apps", doomed)
        cast.root.ok("POST", path, deployment("early"))
        said = until(lambda: failure(cast, doomed, "early"), "the ReplicaSet reports that its pod was refused")
        assert "agent-ready-pods-wait-for-isolation" in said and "is not isolated yet" in said
        assert pods(cast, doomed, "app=evil") == []
        cast.platform.ok("PATCH", f"/api/v1/namespaces/{doomed}", labels(isolation_ready="true"))
        until(lambda: pods(cast, doomed, "app=evil"), "the pod appears after the gate has opened")
        (pod,) = pods(cast, doomed, "app=evil")
        cast.platform.ok("PATCH", f"/api/v1/namespaces/{doomed}", labels(isolation_ready=None))
        path = f"{namespaced('pods', namespace=doomed)}/{pod['metadata']['name']}/ephemeralcontainers"
        _, answer = cast.root.call("PATCH", path, debugger({}))
        assert "is not isolated yet" in answer["message"], "a closed gate admits no ephemeral container either"
    finally:
        remove_namespace(cast, doomed)


def test_what_the_catalog_exposes_is_admitted_and_nothing_else(cast: Cast) -> None:
    exposed = "org-exposed"
    with_namespace(cast, exposed, **{"agent-ready.io/expose-load-balancer": "true"})
    try:
        services = f"{namespaced('services', namespace=exposed)}?dryRun=All"
        cast.root.ok("POST", services, service(type="LoadBalancer"))
        for refused in (service(type="NodePort"), service(type="LoadBalancer", externalIPs=["8.8.8.8"])):
            code, answer = cast.root.call("POST", services, refused)
            assert code == 403 and SERVICE in answer["message"], "not even the administrator by mistake"
        ingress = network(ingress=[{"from": [ANYWHERE]}])
        tenants = namespaced("rolebindings", RBAC_GROUP, exposed)
        cast.platform.ok("POST", tenants, role_binding("agent-ready:admin", person(ADMIN)))
        networks = f"{namespaced('networkpolicies', 'networking.k8s.io', exposed)}?dryRun=All"
        until(lambda: cast.admin.call("POST", networks, ingress)[0] == 201, "who is exposed may let the world in")
        for refused in (network(egress=[{"to": [ANYWHERE]}]), network(ingress=[{"from": [NAMESPACE_SELECTOR]}])):
            code, answer = cast.admin.call("POST", networks, refused)
            assert code == 403 and NET in answer["message"]
    finally:
        remove_namespace(cast, exposed)


def test_a_full_namespace_is_deleted_to_the_end(cast: Cast) -> None:
    """Quota status, foreground deletion, claims and the end of the namespace pass every policy."""
    doomed = "org-doomed"
    with_namespace(cast, doomed)
    ours = {"metadata": {"name": "quota", "labels": {"agent-ready.io/baseline": "true"}}}
    quota = namespaced("resourcequotas", namespace=doomed)
    cast.platform.ok("POST", quota, {**ours, "spec": {"hard": {"pods": "5"}}})
    until(lambda: cast.root.ok("GET", f"{quota}/quota").get("status", {}).get("hard"), "the quota's status is filled")
    networks = namespaced("networkpolicies", "networking.k8s.io", doomed)
    cast.platform.ok("POST", networks, {**ours, "spec": {"podSelector": {}}})
    cast.platform.ok("DELETE", f"{networks}/quota?propagationPolicy=Foreground")
    until(lambda: cast.root.call("GET", f"{networks}/quota")[0] == 404, "the collector ends a foreground deletion")
    cast.root.ok("POST", namespaced("persistentvolumeclaims", namespace=doomed), claim())
    cast.root.ok("POST", namespaced("deployments", "apps", doomed), deployment())
    remove_namespace(cast, doomed)


def with_namespace(cast: Cast, name: str, **more: str) -> None:
    """A namespace as the platform makes one, its default ServiceAccount included."""
    cast.platform.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": more}})
    path = f"{namespaced('serviceaccounts', namespace=name)}/default"
    until(lambda: cast.root.call("GET", path)[0] == 200, "the ServiceAccount controller does its work")
    root_ca = f"{namespaced('configmaps', namespace=name)}/kube-root-ca.crt"
    until(lambda: cast.root.call("GET", root_ca)[0] == 200, "the root certificate is published")


def remove_namespace(cast: Cast, name: str) -> None:
    cast.platform.call("DELETE", f"/api/v1/namespaces/{name}")
    until(lambda: cast.root.call("GET", f"/api/v1/namespaces/{name}")[0] == 404, f"{name} is gone")


def pods(cast: Cast, namespace: str, selector: str) -> list[Json]:
    found: list[Json] = cast.root.ok("GET", f"{namespaced('pods', namespace=namespace)}?labelSelector={selector}")[
        "items"
    ]
    return found


def failure(cast: Cast, namespace: str, owner: str) -> str:
    """Why the Deployment's ReplicaSet could not make a pod."""
    for replicas in cast.root.ok("GET", namespaced("replicasets", "apps", namespace))["items"]:
        if replicas["metadata"]["ownerReferences"][0]["name"] == owner:
            for condition in replicas.get("status", {}).get("conditions", []):
                if condition["type"] == "ReplicaFailure":
                    return str(condition["message"])
    return ""


def leftovers(cast: Cast) -> list[str]:
    return [path for path, body in HONEST if cast.root.call("GET", f"{path}/{body['metadata']['name']}")[0] != 404]


def until(holds: Any, what: str, timeout: float = 30.0) -> Any:
    """What `holds()` gives as soon as it is true."""
    deadline = time.monotonic() + timeout
    while not (value := holds()):
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.05)
    return value
