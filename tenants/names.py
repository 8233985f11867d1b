"""Every name that the platform gives to a thing, in one place.

Rules: a slug is a DNS label (RFC 1123) that leaves room for the prefix `org-` within the 63 characters of a
namespace's name; members are the cluster users `agent-ready:<email>` (DESIGN.md, contracts).
"""

import re
import unicodedata

from tenants.errors import InvalidName

DOMAIN = "agent-ready.io"
NAMESPACE_PREFIX = "org-"
SLUG_LIMIT = 63 - len(NAMESPACE_PREFIX)
READY_LABEL = "isolation-ready"
OPERATION_ANNOTATION = f"{DOMAIN}/operation-id"
LABELS_ANNOTATION = f"{DOMAIN}/labels"
ORGANIZATION_LABEL = f"{DOMAIN}/organization"
PLAN_LABEL = f"{DOMAIN}/plan"
BASELINE_LABEL = f"{DOMAIN}/baseline"
EXPOSE_LABELS = {
    "LoadBalancer": f"{DOMAIN}/expose-load-balancer",
    "NodePort": f"{DOMAIN}/expose-node-port",
}
CANARY_SLUG = "admission-canary"
PLATFORM_NAMESPACE = "agent-ready-system"
FIELD_MANAGER = "agent-ready"
IMPORT_ROLE = "agent-ready:import"
IMPORT_BINDING = "agent-ready-import"

QUOTA = "quota"
LIMITS = "limits"
DEFAULT_DENY = "default-deny"
BASELINE_EGRESS = "baseline-egress"
SERVICE_ACCOUNT = "default"
DATABASE_SECRET = "database"  # noqa: S105 - its name
LIVE_CONFIGURATION_SECRET = "live-configuration"  # noqa: S105 - its name
SECRETS = (DATABASE_SECRET, LIVE_CONFIGURATION_SECRET)
TENANT_GROUP_ROLE = "agent_ready_tenant"

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_NO_TRACE = {"Mn", "Mc", "Me", "Cf"}  # accents, and what formats text without being seen
_RESERVED = frozenset({"default", "platform", "system", "admin", "api", "www", CANARY_SLUG})
_RESERVED_PREFIXES = ("kube-", "openshift-", "agent-ready")


def slugify(name: str) -> str:
    """Turn a customer's name into a slug: `Acme Robotics` → `acme-robotics`. Raise InvalidName if it cannot.

    Accents go (é → e). A letter without an ASCII form is refused instead of dropped: two customers whose names differ
    only there would get one slug. Distinct names may still give one ("A-B", "a b", "A_B"); whoever reserves slugs must
    refuse the second.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if unicodedata.category(c) not in _NO_TRACE).lower()
    foreign = next((c for c in plain if not c.isascii() and unicodedata.category(c)[0] in "LN"), None)
    if foreign:
        raise InvalidName(f"{name!r} holds {foreign!r}, which has no form in a-z, 0-9; give `slug` yourself")
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not slug:
        raise InvalidName(f"{name!r} has no letter or digit of a-z, 0-9 to make a slug of; give `slug` yourself")
    return check_slug(slug)


def check_slug(slug: str) -> str:
    """Return `slug` if it may name an organization, else raise InvalidName with the rule it breaks."""
    if not _SLUG.fullmatch(slug):
        raise InvalidName(f"{slug!r} is not a slug; use a-z, 0-9 and inner hyphens, such as acme-robotics")
    if len(slug) > SLUG_LIMIT:
        raise InvalidName(f"{slug!r} has {len(slug)} characters; a slug has at most {SLUG_LIMIT}")
    if slug in _RESERVED or slug.startswith(_RESERVED_PREFIXES):
        raise InvalidName(f"{slug!r} is reserved for the platform; choose another slug")
    return slug


def namespace(slug: str) -> str:
    """The organization's Kubernetes namespace."""
    return NAMESPACE_PREFIX + slug


def cluster_user(email: str) -> str:
    """The user name under which a member is known to the API server."""
    return f"agent-ready:{email}"


def cluster_role(role: str) -> str:
    """The ClusterRole behind an organization role (owner, admin, member, viewer)."""
    return f"agent-ready:{role}"


def database_role(operation_id: str, generation: int) -> str:
    """The organization's login of one generation. It tells every other login nothing about whose it is."""
    return f"tenant_{operation_id.replace('-', '')}_{generation}"


def role_binding(role: str) -> str:
    """The RoleBinding in an organization's namespace that holds the members of one role."""
    return f"organization-{role}s"


def allow_from(slug: str) -> str:
    """The NetworkPolicy that lets a named organization's pods in."""
    return f"allow-from-{slug}"


def allow_to(slug: str) -> str:
    """The NetworkPolicy that lets pods out to a named organization."""
    return f"allow-to-{slug}"


def network_policy_resource(slug: str, policy: str) -> str:
    """The Pulumi resource of a NetworkPolicy.

    What allows traffic is named after two organizations, and slugs hold hyphens: only a character that no slug holds
    keeps `a` allowing `b-default-deny` apart from the default-deny of `a-allow-from-b`.
    """
    return f"{slug}/{policy}"
