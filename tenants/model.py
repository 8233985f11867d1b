"""The catalog's model: one organization, validated once at the edge.

Field descriptions double as the editor's help: `tenants/organization.schema.json` is generated from this module.
"""

import re
import unicodedata
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tenants import names
from tenants.plans import DEFAULT_PLAN, PLANS, CommercialPlan, Sizes
from tenants.quantity import bytes_, cpu_millicores, format_bytes, format_cpu
from tenants.roles import RoleName

_EMAIL = re.compile(r"^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])$")
_SETTING = re.compile(r"^[a-z][a-z0-9_]{0,62}/[a-z][a-z0-9_]{0,62}$")


def _display_name(value: str) -> str:
    if unicodedata.normalize("NFC", value) != value:
        raise ValueError("is not in Unicode NFC, so that it could look like another name; retype it")
    odd = [c for c in value if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}]
    if odd:
        raise ValueError(f"holds the invisible or control character {odd[0]!r}; remove it")
    if value != value.strip():
        raise ValueError("starts or ends with a space; remove it")
    return value


def _email(value: str) -> str:
    if not _EMAIL.match(value):
        raise ValueError(f"{value!r} is not an e-mail address in lower case, such as ada@acme.example")
    return value


def _plan(value: str) -> str:
    if value not in PLANS:
        raise ValueError(f"{value!r} is no plan; choose one of {', '.join(PLANS)}")
    return value


def _as_text(value: Any) -> Any:
    """Let YAML's bare numbers (`cpu: 16`) be quantities too, but not booleans."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _cpu(value: str) -> str:
    return format_cpu(_more_than_zero(cpu_millicores(value), value))


def _size(value: str) -> str:
    return format_bytes(_more_than_zero(bytes_(value), value))


def _more_than_zero(amount: int, text: str) -> int:
    if amount == 0:
        raise ValueError(f"{text!r} is zero; leave the key out to take the plan's default")
    return amount


DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_display_name)]
Slug = Annotated[str, AfterValidator(names.check_slug)]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
PlanName = Annotated[str, AfterValidator(_plan), Field(json_schema_extra={"enum": list(PLANS)})]
Cpu = Annotated[str, BeforeValidator(_as_text), AfterValidator(_cpu)]
Size = Annotated[str, AfterValidator(_size)]
SettingValue = bool | int | float | str
FieldProblem = tuple[tuple[str, ...], str]


class CrossFieldError(ValueError):
    """Rules that need more than one field; `problems` pairs a dotted key's path with what is wrong there."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{'.'.join(path)}: {text}" for path, text in problems))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Member(_Strict):
    """A person and what they may do."""

    email: Email = Field(description="Lower case; the cluster knows the person as agent-ready:<email>")
    role: RoleName = Field(description="owner, admin, member or viewer")


class Quota(_Strict):
    """Sizes that differ from the plan's defaults."""

    cpu: Cpu | None = Field(None, description="Cores (2, 0.5) or millicores (500m)")
    memory: Size | None = Field(None, description="Binary units: 512Mi, 20Gi")
    storage: Size | None = Field(None, description="Sum of all volume claims, binary units: 10Gi")


class Network(_Strict):
    """Traffic between organizations; it flows only when both sides name each other."""

    allow_from: tuple[Slug, ...] = Field((), strict=False, description="Organizations whose pods may call ours")
    allow_to: tuple[Slug, ...] = Field((), strict=False, description="Organizations that our pods may call")


class Organization(_Strict):
    """One customer organization, as its catalog file (or a sign-up) describes it."""

    name: DisplayName = Field(description="The customer's name, as people write it")
    slug: Slug = Field(description="Short name in DNS form; made from `name` when left out; never changes")
    plan: PlanName = Field(DEFAULT_PLAN, description="Commercial plan")
    members: tuple[Member, ...] = Field(min_length=1, max_length=200, strict=False, description="At least one owner")
    quota: Quota = Quota()
    network: Network = Network()
    configs: dict[str, SettingValue] = Field({}, max_length=200, description="First values of service/key settings")

    @model_validator(mode="before")
    @classmethod
    def _slug_from_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "slug" not in data and isinstance(data.get("name"), str):
            return {**data, "slug": names.slugify(data["name"])}
        return data

    @model_validator(mode="after")
    def _whole(self) -> Self:
        problems = [*self._member_problems(), *self._quota_problems(), *self._other_problems()]
        if problems:
            raise CrossFieldError(problems)
        return self

    def _member_problems(self) -> list[FieldProblem]:
        emails = [member.email for member in self.members]
        twice = sorted({email for email in emails if emails.count(email) > 1})
        found: list[FieldProblem] = [
            (("members",), f"{email} is listed twice; a member has one role") for email in twice
        ]
        if not any(member.role == "owner" for member in self.members):
            found.append((("members",), "none of them is an owner; give one the role owner"))
        return found

    def _quota_problems(self) -> list[FieldProblem]:
        asked, most = self.sizes(), self.commercial_plan.maximum
        rows = (
            ("cpu", asked.cpu, most.cpu, format_cpu),
            ("memory", asked.memory, most.memory, format_bytes),
            ("storage", asked.storage, most.storage, format_bytes),
        )
        return [
            (("quota", key), f"{show(value)} is more than plan {self.plan} allows; at most {show(bound)}")
            for key, value, bound, show in rows
            if value > bound
        ]

    def _other_problems(self) -> list[FieldProblem]:
        found: list[FieldProblem] = [
            (
                ("configs", key),
                f"{key!r} is no setting; write service/key in a-z, 0-9 and _, such as ai/threshold",
            )
            for key in self.configs
            if not _SETTING.match(key)
        ]
        if self.slug in self.network.allow_from + self.network.allow_to:
            found.append((("network",), f"{self.slug} names itself; list other organizations only"))
        return found

    @property
    def commercial_plan(self) -> CommercialPlan:
        """The plan's defaults, bounds and counts."""
        return PLANS[self.plan]

    def sizes(self) -> Sizes:
        """Millicores and bytes in force: the file's quota over the plan's defaults."""
        default, quota = self.commercial_plan.default, self.quota
        return Sizes(
            cpu=cpu_millicores(quota.cpu) if quota.cpu else default.cpu,
            memory=bytes_(quota.memory) if quota.memory else default.memory,
            storage=bytes_(quota.storage) if quota.storage else default.storage,
        )
