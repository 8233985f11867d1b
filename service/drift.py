"""What differs between an organization as it was deployed and its rows, its stack's state and the cluster.

Each organization of the API is compared once in a while, and when somebody asks; the last report of each is kept.
"""

import time
from collections.abc import Iterator

from cluster.errors import ClusterError
from database import drift
from database.directory import Entry
from database.drift import Item
from database.errors import Busy, DatabaseError
from engine.errors import EngineError
from engine.review import ObjectChange, Review, merge
from service.found import find_ours
from service.problems import Problem
from service.services import Services, log
from tenants.model import Organization

AT_A_TIME, BUDGET = 20, 45.0  # organizations and seconds of one turn; there is one turn a minute
_WORDS = {"add": "is missing", "remove": "is not meant to be there"}


async def compare(
    services: Services, entry: Entry, organization: Organization, *, but: str | None = None
) -> list[Item]:
    """Everything that differs; the report is kept. `but` is the operation that asks.

    Raises Busy if an operation works on the organization: what differs then is under way.
    """
    since = await drift.clock(services.database)
    try:
        preview = await services.engines.preview(organization, entry.operation_id, entry.stack, refresh=True)
        items = list(_items(merge([preview], [organization])))
    except EngineError as error:
        items = [_not_compared(entry.stack or "", str(error))]
    if not await drift.report(services.database, entry.id, items, since=since, but=but):
        raise Busy(f"an operation works on {entry.slug!r} right now; compare when it has ended")
    return items


async def compare_due(services: Services) -> int:
    """Compare those whose turn it is, for as long as one turn may last; return how many were."""
    until, done = time.monotonic() + BUDGET, 0
    for slug in await drift.due(services.database, seconds=services.settings.drift_every, most=AT_A_TIME):
        if time.monotonic() > until:
            break
        try:
            items = await compare(services, *await find_ours(services, slug))
        except (Busy, Problem, ClusterError, DatabaseError) as error:
            log.info("%s was not compared: %s", slug, error)
            continue
        done += 1
        if items:
            log.warning("%s differs from what was deployed: %s", slug, "; ".join(f"{i.kind} {i.name}" for i in items))
    return done


def _items(review: Review) -> Iterator[Item]:
    for organization in review.organizations:
        for change in organization.objects:
            yield Item(change.kind, change.name, _problem(change))
    for stack, text in review.errors:
        yield _not_compared(stack, text)


def _not_compared(stack: str, why: str) -> Item:
    return Item("stack", stack, f"could not be compared: {why}")


def _problem(change: ObjectChange) -> str:
    if change.verb in _WORDS:
        return _WORDS[change.verb]
    fields = [
        f"{field.path} differs"
        if field.hidden
        else f"{field.path} is {field.before or 'missing'}, not {field.after or 'left out'}"
        for field in change.fields
    ]
    return "; ".join(fields) or "differs"
