"""Which updates an environment needs: of each stack everything, or only the organizations that changed. Pure.

An update of a few organizations registers only those, and names them to the engine as its targets with all that
depends on them; everything else of the stack is kept in its state untouched and unasked. The policy pack judges what
is registered. Drift is a refresh's matter.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from database.deployments import Placement, Record
from engine.shards import Wanted, digest
from engine.stack import PROJECT
from tenants.holding import Holding
from tenants.model import Organization

_COMPONENT = "agent-ready:tenancy:Organization"


@dataclass(frozen=True)
class Run:
    """One update of one stack: `register` are deployed, `leaving` removed; with `whole` everything else runs too."""

    stack: Wanted
    register: tuple[Organization, ...]
    leaving: tuple[str, ...] = ()
    whole: bool = False

    @property
    def slugs(self) -> tuple[str, ...]:
        """Every organization that it is about."""
        return (*(organization.slug for organization in self.register), *self.leaving)

    @property
    def holding(self) -> Holding:
        """What the program is handed."""
        return self.stack.holding(self.register)

    def targets(self, held: Callable[[], frozenset[str]]) -> tuple[str, ...] | None:
        """The engine's arguments that keep it to these organizations; none if everything runs.

        `held` reads the URNs in the stack's state: the engine fails on a target that is neither there nor registered.
        None means that there is nothing to ask the engine for. It must not be asked then: without a target it would
        remove everything that is not registered.
        """
        if self.whole:
            return ()
        known = held() if self.leaving else frozenset()
        urns = [organization_urn(self.stack.stack, organization.slug) for organization in self.register]
        urns += [urn for slug in self.leaving if (urn := organization_urn(self.stack.stack, slug)) in known]
        return (*(f"--target={urn}" for urn in urns), "--target-dependents") if urns else None


def organization_urn(stack: str, slug: str) -> str:
    """The organization's component in a stack's state; everything of the organization's is below it."""
    return f"urn:pulumi:{stack}::{PROJECT}::{_COMPONENT}::{slug}"


def everything(stack: Wanted, record: Record) -> Run:
    """An update of the whole stack."""
    return Run(stack, stack.organizations, _leaving(stack, record), whole=True)


def needed(stacks: Iterable[Wanted], record: Record, standing: Collection[str]) -> tuple[Run, ...]:
    """The updates that bring the environment to what is wanted; `standing` are the stacks whose state exists."""
    return tuple(run for stack in stacks if (run := _needed(stack, record, standing)))


def unfinished(stacks: Iterable[Wanted], record: Record, standing: Collection[str]) -> tuple[Run, ...]:
    """What killed updates have left half way and the catalog no longer asks for: to be finished as it was meant.

    Until that is done no state knows what those updates made, changed or deleted. What the catalog still asks for in
    the same way is simply deployed again.
    """
    return tuple(run for stack in stacks if (run := _unfinished(stack, record, standing)))


def _needed(stack: Wanted, record: Record, standing: Collection[str]) -> Run | None:
    if _runs_whole(stack, record, standing):
        return everything(stack, record)
    changed = tuple(o for o in stack.organizations if _deployed(record, o.slug) != digest(o))
    leaving = _leaving(stack, record)
    return Run(stack, changed, leaving) if changed or leaving else None


def _unfinished(stack: Wanted, record: Record, standing: Collection[str]) -> Run | None:
    begun = {p.slug: p for p in _placed(stack, record) if p.phase != "settled"}
    meant = {slug: Organization.model_validate_json(p.intent) for slug, p in begun.items() if p.intent}
    now = {o.slug: o for o in stack.organizations}
    differ = {slug: o for slug, o in meant.items() if slug not in now or digest(now[slug]) != digest(o)}
    leaving = tuple(slug for slug, p in begun.items() if p.phase == "deleting" and slug in now)
    if not (differ or leaving):
        return None
    if not _runs_whole(stack, record, standing):
        return Run(stack, tuple(differ.values()), leaving)
    rest = {slug: o for slug, o in now.items() if slug not in leaving}
    return Run(stack, tuple((rest | differ).values()), leaving, whole=True)


def _runs_whole(stack: Wanted, record: Record, standing: Collection[str]) -> bool:
    """Whether the stack's program, configuration or target changed, or its state is lost or was never written."""
    return stack.stack not in standing or record.frames.get(stack.stack) != stack.frame


def _placed(stack: Wanted, record: Record) -> Iterator[Placement]:
    return (placed for placed in record.placements.values() if placed.stack == stack.stack)


def _leaving(stack: Wanted, record: Record) -> tuple[str, ...]:
    staying = set(stack.slugs)
    return tuple(placed.slug for placed in _placed(stack, record) if placed.slug not in staying)


def _deployed(record: Record, slug: str) -> str | None:
    placed = record.placements.get(slug)
    return placed.digest if placed and placed.phase == "settled" else None
