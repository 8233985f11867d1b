"""What a verified token says."""

from dataclasses import dataclass

from tenants.permissions import PLATFORM_ROLES, ROLES, permissions_of

API = "agent-ready-api"  # the audience of access tokens
KUBERNETES = "kubernetes"  # the audience of tokens for the API server
CLI = "agent-ready-cli"  # the client of those who log in at the API itself
LIFETIME = 3600  # seconds that a token counts, at most
KUBERNETES_LIFETIME = 600  # and one for the API server


@dataclass(frozen=True)
class Claims:
    """One token's. Times are seconds since 1970; `session` and `jti` are UUIDs, `org` is a slug.

    Without `role` the token speaks for nobody yet: only its holder's own account can be seen with it.
    """

    subject: str
    email: str
    audience: str
    jti: str
    session: str
    org_id: int | None
    org: str | None
    role: str | None
    issued_at: int
    expires_at: int

    @property
    def permissions(self) -> frozenset[str]:
        """What the role may do: in its organization, or, for a platform's role, in all of them."""
        return permissions_of(self.role) if self.role and counts(self.role, self.org_id) else frozenset()


def counts(role: str, org_id: int | None) -> bool:
    """Whether there is such a role, and it comes with an organization if and only if it is one in an organization."""
    return role in (PLATFORM_ROLES if org_id is None else ROLES)
