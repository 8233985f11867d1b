"""What a catalog change means: the previews of all stacks merged into one picture, organization by organization.

Pure. How it looks stands in `engine/review_markdown.py`. What an organization costs today is computed from the plan
and the quota that the state holds, what it will cost from the catalog.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.review_events import Preview, Properties, Step, Violation
from engine.review_fields import FieldChange, differences, net_members
from tenants.cost import PRICES, cost_of, monthly_cost
from tenants.errors import TenantError
from tenants.model import Organization
from tenants.plans import Sizes
from tenants.quantity import bytes_, cpu_millicores

_ROW, _QUOTA = "tenancy:index:OrganizationRow", "kubernetes:core/v1:ResourceQuota"
_CONFIGS, _BINDING = "tenancy:index:ConfigDefaults", "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
# Resources of our provider that are objects in the cluster; all its others are rows or roles in the database.
_CLAIM = "tenancy:index:NamespaceClaim"
_CLAIMS = frozenset({_CLAIM, "tenancy:index:IsolationGate", "tenancy:index:AdmissionProof"})
_LOSSES = {
    _CLAIM: "the namespace and everything in it: workloads, volumes, Secrets",
    "tenancy:index:OrganizationRow": "the organization's rows; its slug is never given out again",
    "tenancy:index:DatabaseSchema": "the control plane's schema, with the data of every organization",
    "kubernetes:core/v1:Namespace": "the namespace and everything in it",
    "kubernetes:core/v1:PersistentVolumeClaim": "the volume and what is stored on it",
    "kubernetes:core/v1:Secret": "the Secret; whoever uses it loses access",
    "postgresql:": "the database object and what belongs to it",
    "random:": "the generated value; whoever uses it loses access",
}


@dataclass(frozen=True)
class ObjectChange:
    """One resource that changes: a row or role in the `database`, or an object in the `cluster`.

    `loss` says what is lost with it, in words; "" if nothing is that could not be made again.
    """

    verb: str
    place: str
    kind: str
    name: str
    fields: tuple[FieldChange, ...] = ()
    replacing: tuple[str, ...] = ()
    loss: str = ""


@dataclass(frozen=True)
class OrganizationChange:
    """One organization that is added, changed, removed or moved; costs are EUR a month, None if not known.

    `facts` are the changes as the customer would put them: plan, sizes, members, settings.
    """

    slug: str
    verb: str
    stacks: tuple[str, ...]
    facts: tuple[FieldChange, ...]
    objects: tuple[ObjectChange, ...]
    before: Decimal | None
    after: Decimal | None

    @property
    def losses(self) -> tuple[ObjectChange, ...]:
        """What holds data and is removed or replaced."""
        return tuple(change for change in self.objects if change.loss)


@dataclass(frozen=True)
class Review:
    """Everything that a reviewer is shown. `after` is what the whole catalog will cost, EUR a month."""

    stacks: tuple[str, ...]
    organizations: tuple[OrganizationChange, ...]
    platform: tuple[ObjectChange, ...]
    unchanged: int
    violations: tuple[Violation, ...]
    rules: tuple[str, ...]
    errors: tuple[tuple[str, str], ...]
    after: Decimal

    @property
    def delta(self) -> Decimal | None:
        """What changes a month; None if the cost of one organization is not known."""
        if any(change.before is None or change.after is None for change in self.organizations):
            return None
        return sum((_known(change.after) - _known(change.before) for change in self.organizations), Decimal(0))

    @property
    def refused(self) -> bool:
        """Whether a mandatory policy refuses the change."""
        return any(violation.mandatory for violation in self.violations)


def merge(previews: Sequence[Preview], catalog: Iterable[Organization]) -> Review:
    """One review of several stacks' previews. Stacks that were not previewed are taken to be unchanged."""
    wanted = {organization.slug: organization for organization in catalog}
    found: dict[str, list[tuple[str, Step]]] = {}
    platform: list[ObjectChange] = []
    for preview in previews:
        for step in preview.steps:
            if step.organization:
                found.setdefault(step.organization, []).append((preview.stack, step))
            elif step.verb != "same" and step.kind != "pulumi:pulumi:Stack":
                platform.append(_object(step))
    changes = [
        _organization(slug, steps, wanted.get(slug))
        for slug, steps in sorted(found.items())
        if any(step.verb != "same" for _, step in steps)
    ]
    return Review(
        stacks=tuple(preview.stack for preview in previews),
        organizations=tuple(changes),
        platform=_sorted(platform),
        unchanged=len(wanted.keys() - {change.slug for change in changes}),
        violations=tuple(sorted({violation for preview in previews for violation in preview.violations})),
        rules=tuple(sorted({rule for preview in previews for rule in preview.rules})),
        errors=tuple((p.stack, text) for p in previews if p.failed for text in (p.errors or ("the engine failed",))),
        after=sum((cost_of(organization).total for organization in wanted.values()), Decimal(0)),
    )


def _organization(slug: str, found: list[tuple[str, Step]], wanted: Organization | None) -> OrganizationChange:
    steps = [step for _, step in found]
    verb = _organization_verb(steps)
    changed = [step for step in steps if step.verb != "same" and not step.is_organization]
    return OrganizationChange(
        slug=slug,
        verb=verb,
        stacks=tuple(dict.fromkeys(stack for stack, _ in found)),
        facts=tuple(_facts(steps)),
        objects=_sorted(map(_object, changed)),
        before=Decimal(0) if verb == "add" else _cost_of_state(steps),
        after=Decimal(0) if wanted is None else cost_of(wanted).total,
    )


def _organization_verb(steps: Sequence[Step]) -> str:
    verbs = {step.verb for step in steps if step.is_organization}
    if {"add", "remove"} <= verbs:
        return "move"
    return verbs.pop() if len(verbs) == 1 and verbs & {"add", "remove"} else "change"


def _sorted(changes: Iterable[ObjectChange]) -> tuple[ObjectChange, ...]:
    """In an order of their own: the engine's differs from run to run, and a comment must not flicker."""
    return tuple(sorted(changes, key=lambda change: (change.place, change.kind, change.name)))


def _object(step: Step) -> ObjectChange:
    gone = step.verb in ("remove", "replace")
    losses = [words for kind, words in _LOSSES.items() if step.kind.startswith(kind)]
    return ObjectChange(
        verb=step.verb,
        place=_place(step.kind),
        kind=step.kind.rsplit(":", 1)[-1] if step.kind.startswith(("tenancy:", "kubernetes:")) else step.kind,
        name=_real_name(step),
        fields=differences(step) if step.verb in ("change", "replace") else (),
        replacing=step.replacing,
        loss=losses[0] if gone and losses else "",
    )


def _place(kind: str) -> str:
    if kind.startswith(("kubernetes:", "pulumi:providers:kubernetes")) or kind in _CLAIMS:
        return "cluster"
    return "database" if kind.startswith(("tenancy:", "postgresql:")) else "other"


def _real_name(step: Step) -> str:
    """The object's name in the cluster, where it has one; else the resource's name in Pulumi."""
    inputs = step.new or step.old
    metadata = inputs.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else inputs.get("name") or inputs.get("namespace")
    return name if isinstance(name, str) and name else step.name


def _facts(steps: Sequence[Step]) -> Iterator[FieldChange]:
    """What changes, as the customer would put it; all of it also stands, field by field, at its resource."""
    rows = (("name", _ROW, ("display_name",)), ("adopts", _CLAIM, ("adopt",)), ("plan", _ROW, ("plan",)))
    sizes = tuple((what, _QUOTA, ("spec", "hard", f"requests.{what}")) for what in ("cpu", "memory", "storage"))
    for label, kind, path in (*rows, *sizes):
        before, after = _side(steps, kind, path, "old"), _side(steps, kind, path, "new")
        if before != after:
            yield FieldChange(label, before, after)
    yield from net_members(step for step in steps if step.kind == _BINDING)
    for change in (change for step in steps if step.kind == _CONFIGS for change in differences(step)):
        setting = change.path.removeprefix("values.")
        if setting != change.path and not setting.startswith("quota/"):
            yield replace(change, path=f"setting {setting}")


def _side(steps: Sequence[Step], kind: str, path: Sequence[str], side: str) -> str | None:
    """The text at `path` in the old or new inputs of the organization's one resource of that kind."""
    for step in steps:
        found: object = getattr(step, side) if step.kind == kind else None
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            return found
    return None


def _cost_of_state(steps: Sequence[Step]) -> Decimal | None:
    """What the organization costs as it is deployed, or None where the state does not tell."""
    plan = _side(steps, _ROW, ("plan",), "old")
    quotas: list[Properties] = [step.old for step in steps if step.kind == _QUOTA and step.old]
    if plan not in PRICES or not quotas:
        return None
    try:
        hard = quotas[0]["spec"]["hard"]
        sizes = Sizes(
            cpu_millicores(hard["requests.cpu"]), bytes_(hard["requests.memory"]), bytes_(hard["requests.storage"])
        )
    except (KeyError, TypeError, TenantError):
        return None
    return monthly_cost(plan, sizes).total


def _known(amount: Decimal | None) -> Decimal:
    return amount or Decimal(0)
