"""Organizations as the API finds and shows them, and who owns them."""

from datetime import datetime
from typing import Any

from database import directory
from database.directory import Entry
from database.operations import OWNER
from service.problems import Problem
from service.services import Services
from tenants import names
from tenants.model import Organization

_WHOLE = ("members", "labels", "configs", "network", "database", "retention_days")


async def find(services: Services, slug: str) -> Entry:
    """The living organization; raise a Problem: 404 if there never was one, 410 if it was deleted."""
    entry = await directory.find(services.database, slug)
    if entry is None:
        raise nobody(slug)
    _check_alive(slug, entry.deleted_at)
    return entry


async def find_number(services: Services, slug: str) -> int:
    """The living organization's number, in one round trip; raise the same Problems."""
    place = await directory.place(services.database, slug)
    if place is None:
        raise nobody(slug)
    _check_alive(slug, place.deleted_at)
    return place.id


def nobody(slug: str) -> Problem:
    """What is told of a slug that is nobody's, or somebody else's."""
    return Problem(404, "no-such-organization", "There is no such organization", f"nobody has the slug {slug!r}")


def _check_alive(slug: str, deleted_at: datetime | None) -> None:
    if deleted_at is not None:
        raise Problem(
            410, "organization-deleted", "The organization was deleted",
            f"{slug!r} was deleted on {deleted_at:%Y-%m-%d}; a slug is never given out again",
        )  # fmt: skip


async def find_ours(services: Services, slug: str) -> tuple[Entry, Organization]:
    """The living organization and the whole of it; raise a Problem (409) naming its owner unless that is the API."""
    entry = await find(services, slug)
    if entry.managed_by != OWNER or entry.described is None:
        raise Problem(
            409, "other-owner", "The organization is managed elsewhere",
            f"{slug!r} is managed by {entry.managed_by}, not by the API; change its catalog file there",
            more={"managed_by": entry.managed_by},
        )  # fmt: skip
    return entry, Organization.model_validate(entry.described)


def shown(entry: Entry) -> dict[str, Any]:
    """The organization as its readers see it."""
    return {
        "id": entry.id, "slug": entry.slug, "name": entry.name, "namespace": names.namespace(entry.slug),
        "plan": entry.plan, "status": entry.status, "managed_by": entry.managed_by, "quota": entry.quota,
        "protected": (entry.described or {}).get("protected", True), "operation_id": entry.operation_id,
        "created_at": entry.created_at.isoformat(),
        "committed_at": entry.committed_at.isoformat() if entry.committed_at else None,
    }  # fmt: skip


def shown_whole(entry: Entry) -> dict[str, Any]:
    """The same with all that can be changed, of an organization that the API manages."""
    described = entry.described if entry.managed_by == OWNER else None
    return shown(entry) | ({name: described[name] for name in _WHOLE} if described else {})
