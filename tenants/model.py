"""The catalog's model: one organization, validated once at the edge.

Field descriptions double as the editor's help: `tenants/organization.schema.json` is generated from this module.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails

from tenants import names
from tenants.errors import InvalidName
from tenants.fields import (
    Cpu,
    DisplayName,
    Email,
    Exposure,
    PlanName,
    SettingValue,
    Size,
    Slug,
    Uid,
    label_problems,
    setting_problems,
)
from tenants.permissions import RoleName
from tenants.plans import DEFAULT_PLAN, PLANS, CommercialPlan, Sizes
from tenants.quantity import bytes_, cpu_millicores, format_bytes, format_cpu

FieldProblem = tuple[tuple[str, ...], str]
_FROM_NAME = "\0"  # the slug that was left out


class CrossFieldError(ValueError):
    """Rules that need more than one field; `problems` pairs a dotted key's path with what is wrong there."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{'.'.join(path)}: {text}" for path, text in self.problems))

    @classmethod
    def unless_none(cls, problems: Iterable[FieldProblem]) -> None:
        """Raise if there is any problem."""
        error = cls(problems)
        if error.problems:
            raise error


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
    ephemeral_storage: Size | None = Field(None, description="Sum of all pods' scratch space, binary units: 10Gi")
    pods: int | None = Field(None, ge=1, description="Number of pods")


class Network(_Strict):
    """Traffic between organizations; it flows only when both sides name each other."""

    allow_from: tuple[Slug, ...] = Field((), strict=False, description="Organizations whose pods may call ours")
    allow_to: tuple[Slug, ...] = Field((), strict=False, description="Organizations that our pods may call")
    expose: tuple[Exposure, ...] = Field((), strict=False, description="Service types that open ports to the world")


class Database(_Strict):
    """The organization's login to PostgreSQL."""

    rotation: int = Field(
        1, ge=1, le=1_000_000, description="Raise by one for a new password; the one before stays valid until the next"
    )


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class Organization(_Strict):
    """One customer organization, as its catalog file (or a sign-up) describes it."""

    # Rules over several fields stand with the last of them and see of the others what is valid by itself
    # (`ValidationInfo.data`), so that one refusal shows everything that is wrong.

    name: DisplayName = Field(description="The customer's name, as people write it")
    slug: Slug = Field(
        _FROM_NAME,
        validate_default=True,
        description="Short name in DNS form; made from `name` when left out; never changes",
        json_schema_extra=_without_default,
    )
    adopt: Uid | None = Field(
        None, description="UID of the namespace org-<slug> that exists, to import it with everything in it"
    )
    plan: PlanName = Field(DEFAULT_PLAN, description="Commercial plan")
    members: tuple[Member, ...] = Field(min_length=1, max_length=200, strict=False, description="At least one owner")
    quota: Quota = Quota()
    network: Network = Network()
    database: Database = Database()
    protected: bool = Field(
        True, description="Refuse to delete the organization; to remove its file, first deploy it with false"
    )
    retention_days: int = Field(30, ge=0, le=3650, description="How long data is kept after the organization's end")
    labels: dict[str, str] = Field({}, max_length=50, description="More labels of the namespace")
    configs: dict[str, SettingValue] = Field({}, max_length=200, description="First values of service/key settings")

    @field_validator("slug", mode="wrap")
    @classmethod
    def _made_from_name(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if value != _FROM_NAME:
            return handler(value)
        if "name" not in info.data:
            return value  # what is wrong is the name
        try:
            return names.slugify(info.data["name"])
        except InvalidName as invalid:
            raise CrossFieldError([(("name",), str(invalid))]) from invalid

    @field_validator("members")
    @classmethod
    def _one_role_each_and_an_owner(cls, members: tuple[Member, ...]) -> tuple[Member, ...]:
        emails = [member.email for member in members]
        twice = sorted({email for email in emails if emails.count(email) > 1})
        found = [f"{email} is listed twice; a member has one role" for email in twice]
        if not any(member.role == "owner" for member in members):
            found.append("none of them is an owner; give one the role owner")
        CrossFieldError.unless_none((("members",), text) for text in found)
        return members

    @field_validator("quota", mode="wrap")
    @classmethod
    def _within_the_plan(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Quota:
        """Bound every amount that is valid by itself, whatever is wrong with the others."""
        plan = info.data.get("plan")
        try:
            quota: Quota = handler(value)
        except ValidationError as invalid:
            wrong = {error["loc"][0] for error in invalid.errors() if error["loc"]}
            if plan is None or not isinstance(value, Mapping) or not wrong:
                raise
            rest = Quota.model_validate({key: amount for key, amount in value.items() if key not in wrong})
            beyond = CrossFieldError(_beyond(rest, plan))
            if not beyond.problems:
                raise
            errors = [_again(error) for error in invalid.errors()]
            errors.append({"type": "value_error", "loc": (), "input": value, "ctx": {"error": beyond}})
            raise ValidationError.from_exception_data("Quota", errors) from invalid
        if plan is not None:
            CrossFieldError.unless_none(_beyond(quota, plan))
        return quota

    @field_validator("network")
    @classmethod
    def _others_only(cls, network: Network, info: ValidationInfo) -> Network:
        slug = info.data.get("slug")
        if slug in network.allow_from + network.allow_to:
            raise CrossFieldError([(("network",), f"{slug} names itself; list other organizations only")])
        return network

    @field_validator("labels")
    @classmethod
    def _labels_of_their_own(cls, labels: dict[str, str]) -> dict[str, str]:
        CrossFieldError.unless_none(
            (("labels", key), text) for key, value in labels.items() for text in label_problems(key, value)
        )
        return labels

    @field_validator("configs")
    @classmethod
    def _settings_by_service_and_key(cls, configs: dict[str, SettingValue]) -> dict[str, SettingValue]:
        CrossFieldError.unless_none(
            (("configs", key), text) for key, value in configs.items() for text in setting_problems(key, value)
        )
        return configs

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

    @property
    def ephemeral_storage(self) -> int:
        """Bytes of scratch space in force."""
        asked = self.quota.ephemeral_storage
        return bytes_(asked) if asked else self.commercial_plan.ephemeral_storage

    @property
    def pods(self) -> int:
        """The number of pods in force."""
        return self.quota.pods or self.commercial_plan.pods


def _beyond(quota: Quota, plan: str) -> Iterator[FieldProblem]:
    """Amounts that are more than the plan allows."""
    most, fixed = PLANS[plan].maximum, PLANS[plan]
    rows: tuple[tuple[str, Callable[[str], int], int, Callable[[int], str]], ...] = (
        ("cpu", cpu_millicores, most.cpu, format_cpu),
        ("memory", bytes_, most.memory, format_bytes),
        ("storage", bytes_, most.storage, format_bytes),
        ("ephemeral_storage", bytes_, fixed.ephemeral_storage, format_bytes),
        ("pods", int, fixed.pods, str),
    )
    for key, amount, bound, show in rows:
        asked = getattr(quota, key)
        if asked is not None and amount(asked) > bound:
            yield ("quota", key), f"{asked} is more than plan {plan} allows; at most {show(bound)}"


def _again(error: ErrorDetails) -> InitErrorDetails:
    """One of pydantic's errors, to be raised again."""
    return InitErrorDetails(type=error["type"], loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))
