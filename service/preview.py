"""The engine's own preview of a change, as resource diff, row diff, cost delta and policy results."""

from collections.abc import Iterable
from typing import Any

from database import directory
from database.operations import OWNER
from engine.review import ObjectChange, Review, merge
from engine.review_fields import FieldChange
from service.bodies import PreviewOf
from service.found import find_ours
from service.problems import Problem
from service.services import Services
from tenants import cost
from tenants.model import Organization


async def look(services: Services, slug: str, asked: PreviewOf) -> dict[str, Any]:
    """What the change would do to the organization, or what the sign-up would make if there is none yet.

    Raises a Problem if the change is not valid, EngineError if the preview fails.
    """
    entry = await directory.find(services.database, slug)
    if entry is None:
        before, wanted, token, stack = None, _sign_up(slug, asked), None, None
    else:
        found, before = await find_ours(services, slug)
        wanted, token, stack = asked.changed(before), found.operation_id, found.stack
    review = merge([await services.engines.preview(wanted, token, stack)], [wanted])
    return {"slug": slug, "managed_by": OWNER, **_shown(review), **_cost(before, wanted)}


def _sign_up(slug: str, asked: PreviewOf) -> Organization:
    if asked.name is None or asked.owner_email is None:
        raise Problem(404, "no-such-organization", "There is no such organization",
                      f"nobody has the slug {slug!r}; to preview its sign-up send name and owner_email")  # fmt: skip
    return asked.sign_up(slug)


def _shown(review: Review) -> dict[str, Any]:
    changes = [change for organization in review.organizations for change in organization.objects]
    return {
        "changes": [_field(fact) for organization in review.organizations for fact in organization.facts],
        "resources": _objects(change for change in changes if change.place != "database"),
        "rows": _objects(change for change in changes if change.place == "database"),
        "policies": {
            "rules": list(review.rules),
            "violations": [vars(violation) for violation in review.violations],
            "refused": review.refused,
        },
        "errors": [text for _, text in review.errors],
    }


def _objects(changes: Iterable[ObjectChange]) -> list[dict[str, Any]]:
    return [
        {
            "verb": change.verb, "place": change.place, "kind": change.kind, "name": change.name, "loss": change.loss,
            "replacing": list(change.replacing), "fields": [_field(each) for each in change.fields],
        }
        for change in changes
    ]  # fmt: skip


def _field(change: FieldChange) -> dict[str, Any]:
    return {"path": change.path, "before": change.before, "after": change.after, "hidden": change.hidden}


def _cost(before: Organization | None, after: Organization) -> dict[str, Any]:
    now = cost.cost_of(before).total if before else None
    return {
        "cost": {
            "currency": cost.CURRENCY,
            "before": str(now) if now is not None else "0.00",
            "after": str(cost.cost_of(after).total),
            "delta": str(cost.cost_delta(before, after)),
        }
    }
