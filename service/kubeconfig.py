"""The kubeconfig of a member: where the cluster is, and what to run for a token."""

import base64
from typing import Any

import yaml

from service.issuer_settings import IssuerSettings
from service.problems import Problem
from tenants import names

MEDIA_TYPE = "application/yaml"
_COMMAND = "agent-ready"
_HINT = """\
agent-ready is the command line of agent-ready-k8s. In its checkout, `. .local/env` puts it on PATH; elsewhere write a
script of that name that runs `python -m cli`. Then log in: agent-ready login EMAIL
"""


def of(settings: IssuerSettings, slug: str) -> str:
    """YAML for the namespace of the organization; raise a Problem (404) if it is not known where the cluster is."""
    if not settings.kubernetes_url or not settings.api_url:
        raise Problem(
            404, "not-configured", "Where the cluster is, is not known here",
            "set API_URL, KUBERNETES_URL, and KUBERNETES_CA_FILE for an authority of its own, for the service",
        )  # fmt: skip
    context = {"cluster": _COMMAND, "user": _COMMAND, "namespace": names.namespace(slug)}
    return yaml.safe_dump(
        {
            "apiVersion": "v1", "kind": "Config", "current-context": slug,
            "clusters": [{"name": _COMMAND, "cluster": _cluster(settings)}],
            "contexts": [{"name": slug, "context": context}],
            "users": [{"name": _COMMAND, "user": {"exec": _exec(settings)}}],
        },
        sort_keys=False, allow_unicode=True,
    )  # fmt: skip


def _cluster(settings: IssuerSettings) -> dict[str, str]:
    authority = base64.b64encode(settings.kubernetes_ca.encode()).decode()
    return {"server": settings.kubernetes_url, **({"certificate-authority-data": authority} if authority else {})}


def _exec(settings: IssuerSettings) -> dict[str, Any]:
    return {
        "apiVersion": "client.authentication.k8s.io/v1", "command": _COMMAND, "args": ["token"],
        "env": [{"name": "API_URL", "value": settings.api_url}], "interactiveMode": "Never",
        "provideClusterInfo": False, "installHint": _HINT,
    }  # fmt: skip
