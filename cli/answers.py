"""What the API answers, as models: validated once, here.

They ask for no more than the commands use, and keep what they do not know, so that `--json` shows all of an answer and
an API that learned something new does not break an older command line.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

COMMITTED, FAILED = "COMMITTED", "FAILED"


class Answer(BaseModel):
    """Root of all answers."""

    model_config = ConfigDict(extra="allow")

    def plain(self) -> Any:
        """What was answered, ready for JSON; without what is secret."""
        return self.model_dump(mode="json", exclude_unset=True)


class FieldError(Answer):
    """One field that the API objects to."""

    field: str
    problem: str


class Problem(Answer):
    """RFC 9457, with a request id and one row for each field."""

    type: str = ""
    title: str
    detail: str = ""
    request_id: str = ""
    errors: list[FieldError] = []

    @property
    def kind(self) -> str:
        """The end of its type, such as `no-such-organization`; `""` if it has none."""
        return self.type.rpartition("/")[2]

    @property
    def sentence(self) -> str:
        """Title and detail, whichever says something."""
        title = self.title.rstrip(".") or "An error without a problem document"
        return f"{title}: {self.detail}" if self.detail else title


class SignedUp(Answer):
    """201, or the stored answer of the same key."""

    id: int | str
    slug: str
    namespace: str
    status: str
    operation_id: str


class Accepted(Answer):
    """202: an operation goes on by itself. `token` reads this operation, for a caller who has no other."""

    operation_id: str
    token: SecretStr | None = Field(None, exclude=True)


class Organization(Answer):
    """An organization, as a list or a page of its own shows it."""

    id: int | str
    slug: str
    name: str
    plan: str
    status: str
    namespace: str
    managed_by: str
    protected: bool = True  # whoever is not told has to ask as if it were


class Member(Answer):
    """A person and what they may do."""

    email: str
    role: str


class Database(Answer):
    """The login to PostgreSQL; its password is another with each `rotation`."""

    rotation: int = 1


class Described(Organization):
    """An organization with what can be changed of it; `members` is None if somebody else than the API manages it."""

    members: list[Member] | None = None
    labels: dict[str, str] = {}
    configs: dict[str, Any] = {}
    database: Database = Database()


class OrganizationPage(Answer):
    """Some organizations, and where the next ones begin."""

    items: list[Organization]
    next: str | None = None


class Changed(Answer):
    """What a change has changed."""

    slug: str
    changed: list[str]
    operation_id: str


class Quota(Answer):
    """Sizes in force; after a change, since when, and what to know about it."""

    cpu: str | int | float
    memory: str
    storage: str
    effective_at: str | None = None
    note: str = ""
    operation_id: str | None = None


class Step(Answer):
    """Something that an operation did, when (ISO 8601)."""

    step: str
    detail: str | None = None
    at: str = ""


class Operation(Answer):
    """A saga's state; `answer` when it is COMMITTED, `problem` when it FAILED."""

    id: str
    kind: str = "operation"
    slug: str | None = None
    state: str
    steps: list[Step] = []
    answer: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (COMMITTED, FAILED)


class FieldChange(Answer):
    """One field's value before and after; any JSON."""

    path: str
    before: Any = None
    after: Any = None


class Change(Answer):
    """What would happen to one resource or row."""

    verb: str
    place: str | None = None
    kind: str
    name: str
    fields: list[FieldChange] = []


class Cost(Answer):
    """Money a month; amounts are numbers or decimal strings."""

    before: str | float | None = None
    after: str | float | None = None
    delta: str | float | None = None
    currency: str


class Violation(Answer):
    """A rule that the change would break."""

    policy: str
    resource: str
    text: str
    mandatory: bool


class Policies(Answer):
    """What the policy pack says; `rules` are all that were asked."""

    violations: list[Violation] = []
    rules: list[str | dict[str, Any]] = []


class Preview(Answer):
    """What a change would do."""

    resources: list[Change]
    rows: list[Change]
    cost: Cost
    policies: Policies


class DriftItem(Answer):
    """One thing that is not as it was deployed."""

    slug: str
    kind: str
    name: str
    problem: str


class Drift(Answer):
    """Everything that differs."""

    items: list[DriftItem]


class Pool(Answer):
    """Parked engines, by what they do."""

    parked: int
    starting: int
    busy: int
    size: int


class Readiness(Answer):
    """Whether the replica that was asked takes work, the reasons if not, and how much of it is `running`."""

    ready: bool
    reasons: list[str] = []
    running: int
    pool: Pool
    operations: dict[str, Any] = {}
