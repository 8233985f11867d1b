"""kube-apiserver: RBAC only, nobody anonymous, our tokens, Secrets encrypted at rest, every change in the audit log."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from localplane import kubeconfig
from localplane.files import keep_secret, private_folder, write_private
from localplane.pki import CLUSTER, ETCD, SERVICE_RANGE
from localplane.probes import https_ok, trust
from localplane.servers.base import Server

AUDIT_POLICY = Path(__file__).with_name("audit-policy.yaml")


#: Where our API answers whose token it is, and later whether it still counts: the API server remembers who showed a
#: token for 10 s, whatever it is told, and no flag changes that.
TOKEN_PATH, ACCESS_PATH = "/v1/kubernetes/token-review", "/v1/kubernetes/access-review"
OF_OUR_TOKENS = (
    "request.user.startsWith('agent-ready:') && has(request.extra) && "
    "'authentication.kubernetes.io/credential-id' in request.extra && "
    "request.extra['authentication.kubernetes.io/credential-id'].exists(id, id.startsWith('JTI='))"
)
AUTHENTICATION = """\
{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": []}
"""


class ApiServer(Server):
    """The Kubernetes API, with the default admission plugins, PodSecurity among them."""

    name = "kube-apiserver"
    part = "kube-apiserver"
    port_names = ("kube-apiserver",)
    needs = ("etcd",)

    @property
    def _encryption(self) -> Path:
        return self.data / "encryption.json"

    @property
    def _token_webhook(self) -> Path:
        return self.data / "token-webhook.kubeconfig"

    @property
    def _access_webhook(self) -> Path:
        return self.data / "access-webhook.kubeconfig"

    @property
    def _authorization(self) -> Path:
        return self.data / "authorization.json"

    @property
    def authentication(self) -> Path:
        """Issuers whose tokens are verified offline: none, until somebody adds one. It is watched."""
        return self.data / "authentication.json"

    def prepare(self) -> None:
        private_folder(self.data)
        secret = keep_secret(self.layout.secret("cluster-encryption"))
        key = b64encode(hashlib.sha256(secret.encode()).digest()).decode()
        write_private(self._encryption, _encryption_configuration(key))
        write_private(self.authentication, AUTHENTICATION)
        write_private(self._authorization, _authorization_configuration(self._access_webhook))
        shown, authority = keep_secret(self.layout.secret("token-webhook")), self.pki.certificate(CLUSTER).read_bytes()
        for file, path in ((self._token_webhook, TOKEN_PATH), (self._access_webhook, ACCESS_PATH)):
            kubeconfig.write_with_token(file, f"https://127.0.0.1:{self.ports['issuer']}{path}", authority, shown)

    def command(self) -> Sequence[str]:
        address = f"https://127.0.0.1:{self.port}"
        return [
            str(self.found.path),
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--advertise-address=127.0.0.1",
            # Endpoints of the Service "kubernetes" may not be loopback addresses, and no pod would use them.
            "--endpoint-reconciler-type=none",
            f"--etcd-servers=https://127.0.0.1:{self.ports['etcd']}",
            f"--etcd-cafile={self.pki.certificate(ETCD)}",
            f"--etcd-certfile={self.pki.certificate('etcd-client-apiserver')}",
            f"--etcd-keyfile={self.pki.key('etcd-client-apiserver')}",
            f"--tls-cert-file={self.pki.certificate('apiserver')}",
            f"--tls-private-key-file={self.pki.key('apiserver')}",
            f"--client-ca-file={self.pki.certificate(CLUSTER)}",
            "--anonymous-auth=false",
            f"--authentication-config={self.authentication}",
            f"--authentication-token-webhook-config-file={self._token_webhook}",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=2s",
            f"--authorization-config={self._authorization}",
            f"--service-account-issuer={address}",
            f"--service-account-signing-key-file={self.pki.token_key}",
            f"--service-account-key-file={self.pki.token_public_key}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--encryption-provider-config={self._encryption}",
            f"--audit-policy-file={AUDIT_POLICY}",
            f"--audit-log-path={self.layout.logs / 'audit.log'}",
            "--audit-log-maxsize=20",
            "--audit-log-maxbackup=3",
            "--event-ttl=15m",
            "--profiling=false",
            "--shutdown-delay-duration=0s",
            # Watches are told to end; otherwise one open watch delays the stop by a minute.
            "--shutdown-watch-termination-grace-period=2s",
        ]

    def inputs(self) -> Sequence[Path | str]:
        names = ("apiserver", "etcd-client-apiserver", CLUSTER, ETCD)
        webhooks = (self._token_webhook, self._access_webhook, self._authorization)
        return [AUDIT_POLICY, self._encryption, *webhooks, self.pki.token_key, *map(self.pki.certificate, names)]

    def probe(self) -> None:
        """Asked as a user without a group: every authenticated one may read /readyz once RBAC is set up."""
        client = self.pki.certificate("client-health"), self.pki.key("client-health")
        https_ok(self.port, "/readyz", trust(self.pki.certificate(CLUSTER), *client))


def _encryption_configuration(key: str) -> str:
    """Secrets are written with XSalsa20 and Poly1305; ``identity`` reads what was never encrypted."""
    return f"""\
{{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": [
  {{"resources": ["secrets"], "providers": [
    {{"secretbox": {{"keys": [{{"name": "local", "secret": "{key}"}}]}}}},
    {{"identity": {{}}}}
  ]}}
]}}
"""


def _authorization_configuration(access_webhook: Path) -> str:
    """Our API may deny, at once, what is asked with a revoked token; all else is for RBAC.

    While it is away nothing is done with our tokens: nobody knows which of them were revoked.
    """
    revoked = {
        "timeout": "2s", "failurePolicy": "Deny", "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1", "matchConditions": [{"expression": OF_OUR_TOKENS}],
        "cacheAuthorizedRequests": False, "cacheUnauthorizedRequests": False,
        "authorizedTTL": "1s", "unauthorizedTTL": "1s",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(access_webhook)},
    }  # fmt: skip
    authorizers = [
        {"type": "Webhook", "name": "revocations", "webhook": revoked}, {"type": "RBAC", "name": "rbac"},
    ]  # fmt: skip
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    return json.dumps({**head, "authorizers": authorizers}, indent=2)
