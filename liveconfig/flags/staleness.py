"""Which flags could go: code that asks a question with only one answer is code to remove."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from liveconfig.flags.definitions import COMPUTED_OUTCOME, Flag, compiled, expiry, outcomes, variant_name


class Why(StrEnum):
    """Why a flag is stale."""

    EXPIRED = "EXPIRED"
    """`metadata.expires` is past."""
    ONE_VARIANT = "ONE_VARIANT"
    """Its definition can serve one variant only, and has not changed for long."""
    ONE_SERVED = "ONE_SERVED"
    """Its rules could serve several, but everybody got the same for long."""
    UNUSED = "UNUSED"
    """Nobody evaluated it for long."""


class Usage(NamedTuple):
    """What is known of a flag: when its definition changed last, and when each variant was served last."""

    changed_at: datetime
    counted_from: datetime | None = None
    """When counting began. None: evaluations are not counted, so only the definition can make the flag stale."""
    served: Mapping[str, datetime] = {}


class Stale(NamedTuple):
    """A flag that could go, why, since when, and the one variant that is left if there is one."""

    key: str
    why: Why
    since: datetime
    variant: str | None = None


def stale(
    definitions: Mapping[str, Any],
    usage: Mapping[str, Usage],
    now: datetime,
    *,
    evaluators: Mapping[str, Any] | None = None,
    after: timedelta = timedelta(days=30),
) -> list[Stale]:
    """Report the stale flags, by key; pure: all it knows is what it is given. Times carry their zone.

    A flag is stale when `metadata.expires` is past, or when since at least `after` its definition has not changed and
    either can serve one variant only (no targeting, disabled, rules that all end alike), or served one variant to all,
    or was not evaluated. `metadata.permanent` true (kill switches) exempts it from all but its own date; a flag without
    usage is judged by its date only.
    """
    shared = evaluators or {}
    judged = [_judge(key, definition, usage.get(key), now, shared, after) for key, definition in definitions.items()]
    return sorted(found for found in judged if found is not None)


def _judge(
    key: str, definition: Any, usage: Usage | None, now: datetime, evaluators: Mapping[str, Any], after: timedelta
) -> Stale | None:
    flag = compiled(definition, evaluators)
    expires = expiry(flag.metadata)
    if expires is not None and expires <= now:
        return Stale(key, Why.EXPIRED, expires)
    if flag.broken or flag.metadata.get("permanent") is True or usage is None or usage.changed_at > now - after:
        return None
    possible = set(_possible(flag, definition, evaluators))
    if len(possible) == 1:
        return Stale(key, Why.ONE_VARIANT, usage.changed_at, possible.pop())
    return _judge_use(key, usage, now - after)


def _judge_use(key: str, usage: Usage, before: datetime) -> Stale | None:
    if usage.counted_from is None or usage.counted_from > before:
        return None
    since = max(usage.changed_at, usage.counted_from)
    recent = {variant: last for variant, last in usage.served.items() if last > before}
    if not recent:
        return Stale(key, Why.UNUSED, max([since, *usage.served.values()]))
    if len(recent) > 1:
        return None
    others = [last for variant, last in usage.served.items() if variant not in recent]
    return Stale(key, Why.ONE_SERVED, max([since, *others]), next(iter(recent)))


def _possible(flag: Flag, definition: Mapping[str, Any], evaluators: Mapping[str, Any]) -> Iterator[str | None]:
    """The variants that the definition can serve; None stands for the code's default."""
    if not flag.enabled:
        yield None
        return
    if flag.decide is None or flag.prerequisites:
        yield flag.default_variant
    if flag.decide is None:
        return
    for outcome in outcomes(definition["targeting"], evaluators):
        if outcome is COMPUTED_OUTCOME:
            yield from flag.variants
        yield flag.default_variant if outcome in (None, COMPUTED_OUTCOME) else variant_name(outcome)
