"""What callers send, judged before anything else looks at it, and the organization that it means.

The API takes far less than a catalog file: whatever is not listed here, above all `adopt`, is refused.
"""

import hashlib
import json
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.problems import invalid
from tenants.fields import Cpu, DisplayName, Email, PlanName, SettingValue, Size, Slug
from tenants.model import Database, Member, Network, Organization

_REASON = 200
STORABLE = r"^[^\x00]*$"  # what PostgreSQL takes for text
_WHY = "Why; kept in the history"
Reason = Annotated[str, Field(min_length=1, max_length=_REASON, pattern=STORABLE, description=_WHY)]
ReasonOrNone = Annotated[str, Field(max_length=_REASON, pattern=STORABLE, description=_WHY)]
# Of what has no body.
AskedReason = Annotated[
    str, Query(alias="reason", min_length=1, max_length=_REASON, pattern=STORABLE, description=_WHY)
]
AskedReasonOrNone = Annotated[str, Query(alias="reason", max_length=_REASON, pattern=STORABLE, description=_WHY)]


class Strict(BaseModel):
    """What is not listed is refused, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sizes(Strict):
    """Amounts that differ from the plan's defaults."""

    cpu: Cpu | None = Field(None, description="Cores (2, 0.5) or millicores (500m)")
    memory: Size | None = Field(None, description="Binary units: 512Mi, 20Gi")
    storage: Size | None = Field(None, description="Sum of all volume claims, binary units: 10Gi")

    def asked(self) -> dict[str, str]:
        """What was asked for."""
        found = {key: getattr(self, key) for key in ("cpu", "memory", "storage")}
        return {key: value for key, value in found.items() if value is not None}


class SignUp(Strict):
    """A customer who wants an organization."""

    name: DisplayName = Field(description="The customer's name, as people write it")
    slug: Slug | None = Field(None, description="Short name in DNS form; made from `name` when left out")
    owner_email: Email = Field(description="The first owner, lower case")
    plan: PlanName | None = Field(None, description="Commercial plan; starter when left out")
    quota: Sizes | None = Field(None, description="Sizes that differ from the plan's")

    def organization(self) -> Organization:
        """The organization that is to be; raise a Problem with every field that is wrong."""
        described: dict[str, Any] = {
            "name": self.name, "slug": self.slug, "plan": self.plan,
            "members": [{"email": self.owner_email, "role": "owner"}],
            "quota": self.quota.asked() if self.quota else None,
        }  # fmt: skip
        return validated({key: value for key, value in described.items() if value is not None})


class QuotaChange(Sizes):
    """Sizes that are to be from now on; what is left out stays."""

    reason: Reason

    @model_validator(mode="after")
    def _changes_something(self) -> "QuotaChange":
        if not self.asked():
            raise ValueError("names no size; give at least one of cpu, memory, storage")
        return self


class _Changeable(Strict):
    """What a change may name."""

    name: DisplayName | None = None
    plan: PlanName | None = None
    members: tuple[Member, ...] | None = Field(None, strict=False, description="All of them, at least one owner")
    labels: dict[str, str] | None = Field(None, description="All labels of the namespace beside the platform's")
    configs: dict[str, SettingValue] | None = Field(None, description="First values of service/key settings")
    network: Network | None = None
    database: Database | None = Field(None, description="`rotation` one higher: a new password")
    protected: bool | None = None
    retention_days: int | None = None

    def changes(self) -> dict[str, Any]:
        """What is to be changed, and to what."""
        return self.model_dump(mode="json", include=_CHANGEABLE, exclude_none=True)


class Change(_Changeable):
    """What is to be from now on; what is left out stays, a list or a map is replaced as a whole."""

    reason: Reason

    @model_validator(mode="after")
    def _changes_something(self) -> "Change":
        if not self.changes():
            raise ValueError(f"changes nothing; give at least one of {', '.join(sorted(_CHANGEABLE))}")
        return self


_CHANGEABLE = set(_Changeable.model_fields)


class PreviewOf(_Changeable):
    """A change to look at; of an organization that does not exist yet, the sign-up."""

    owner_email: Email | None = None
    quota: Sizes | None = None

    def changed(self, organization: Organization) -> Organization:
        """The organization with this change; raise a Problem if that is not valid."""
        return with_sizes(organization, self.quota.asked() if self.quota else {}, **self.changes())

    def sign_up(self, slug: str) -> Organization:
        """The organization that this sign-up would make; raise a Problem if it is none."""
        try:
            asked = SignUp.model_validate({**self.model_dump(exclude_none=True), "slug": slug})
        except ValidationError as error:
            raise invalid(error) from error
        return asked.organization()


def validated(described: dict[str, Any]) -> Organization:
    """The organization, or a Problem."""
    try:
        return Organization.model_validate(described)
    except ValidationError as error:
        raise invalid(error) from error


def with_sizes(organization: Organization, sizes: dict[str, str], **more: Any) -> Organization:
    """The organization with these sizes, and perhaps other changes; raise a Problem if that is not valid."""
    return with_changes(organization, {**more, "quota": {**organization.quota.model_dump(mode="json"), **sizes}})


def with_changes(organization: Organization, asked: dict[str, Any]) -> Organization:
    """The organization with these of its fields replaced; raise a Problem if that is not valid."""
    return validated({**organization.model_dump(mode="json"), **asked})


def request_hash(kind: str, asked: dict[str, Any]) -> str:
    """SHA-256 of what was asked for in its one canonical spelling."""
    text = json.dumps([kind, asked], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
