"""What the issuer answers when it says no, in the form that each caller can read.

ServiceError
├── OAuthError     JSON for a client (RFC 6749, 5.2)
├── PageError      a page for a person; nothing is redirected, because the address is not trusted
└── RedirectError  sent to the client by way of the browser (RFC 6749, 4.1.2.1)
"""

from dataclasses import dataclass, field

from service.errors import ServiceError


@dataclass
class OAuthError(ServiceError):
    """`error` is a code of the registry, `description` says the rule and the way out, in printable ASCII."""

    error: str
    description: str
    status: int = 400
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.error}: {self.description}"


@dataclass
class PageError(ServiceError):
    """Shown to the person in the browser."""

    detail: str
    status: int = 400

    def __str__(self) -> str:
        return self.detail


@dataclass
class RedirectError(ServiceError):
    """`error` is a code of RFC 6749 or OpenID Connect."""

    error: str
    description: str

    def __str__(self) -> str:
        return f"{self.error}: {self.description}"
