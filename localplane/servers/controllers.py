"""kube-controller-manager with the controllers that tenants need, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localplane import kubeconfig
from localplane.files import private_folder
from localplane.pki import CLUSTER, CONTROLLERS
from localplane.probes import https_ok, trust
from localplane.servers.base import Server

#: There is no node, so nothing about nodes, volumes or endpoints. Each line says what would be missed.
CONTROLLER_NAMES = (
    "namespace-controller",  # a deleted Namespace would stay "Terminating"
    "serviceaccount-controller",  # no "default" ServiceAccount, and without it no pod is admitted
    "serviceaccount-token-controller",  # Secrets of type service-account-token would stay empty
    "root-ca-certificate-publisher-controller",  # no ConfigMap kube-root-ca.crt for pods
    "resourcequota-controller",  # a quota's status would stay empty, and admit everything
    "clusterrole-aggregation-controller",  # the roles admin, edit and view would be empty
    "garbage-collector-controller",  # what an owner leaves behind would stay, foreground deletion would hang
    "validatingadmissionpolicy-status-controller",  # nobody would hear that a policy's expression is wrong
    "persistentvolumeclaim-protection-controller",  # a Namespace with a claim could never be deleted
    "deployment-controller",  # "Pending until isolated" is a Deployment whose pods
    "replicaset-controller",  # are refused and tried again
    "statefulset-controller",
    "job-controller",
    "cronjob-controller",
)


class ControllerManager(Server):
    """The loops that carry out what the API only stores; each with an account and a role of its own."""

    name = "kube-controller-manager"
    part = "kube-controller-manager"
    port_names = ("kube-controller-manager",)
    needs = ("kube-apiserver",)

    @property
    def _kubeconfig(self) -> Path:
        return self.data / "kubeconfig"

    def prepare(self) -> None:
        private_folder(self.data)
        address = f"https://127.0.0.1:{self.ports['kube-apiserver']}"
        authority = self.pki.certificate(CLUSTER).read_bytes()
        kubeconfig.write(self._kubeconfig, address, authority, self.pki.read("client-controllers"), CONTROLLERS.name)

    def command(self) -> Sequence[str]:
        return [
            str(self.found.path),
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self.pki.certificate('controllers')}",
            f"--tls-private-key-file={self.pki.key('controllers')}",
            f"--kubeconfig={self._kubeconfig}",
            f"--root-ca-file={self.pki.certificate(CLUSTER)}",
            f"--service-account-private-key-file={self.pki.token_key}",
            f"--controllers={','.join(CONTROLLER_NAMES)}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            # Many organizations at once: the usual 20 requests a second would be the bottleneck.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--concurrent-gc-syncs=5",
            "--profiling=false",
        ]

    def inputs(self) -> Sequence[Path | str]:
        files = (self.pki.certificate("controllers"), self.pki.certificate(CLUSTER), self.pki.token_key)
        return [self._kubeconfig, *files]

    def probe(self) -> None:
        https_ok(self.port, "/healthz", trust(self.pki.certificate(CLUSTER)))
