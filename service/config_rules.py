"""What may be written: the declared rules of `tenants`, and the grammar of flags of `liveconfig`."""

from collections.abc import Iterator, Sequence
from typing import Any

from database.settings import Change
from liveconfig import flags
from service.problems import FieldError, Problem
from tenants import settings
from tenants.secrecy import name_looks_secret


def check_known(name: str) -> None:
    """Raise a Problem (404) if there is no such setting, and it is not named like a secret either."""
    if settings.setting(name) is None and not name_looks_secret(name):
        raise Problem(404, "no-such-setting", "There is no such setting", settings.check(name, None)[0])


def needs_approval(changes: Sequence[Change]) -> bool:
    """Whether one of them waits for a second person by its declaration."""
    return any((one := settings.setting(change.name)) is not None and one.approval for change in changes)


def check_free(change: Change) -> None:
    """Raise a Problem (409) if the change may not be made at once."""
    if needs_approval([change]):
        raise Problem(
            409, "needs-approval", "The change needs a second person",
            f"{change.name} is changed by a change set that somebody else approves: POST …/change-sets, then …/approve",
        )  # fmt: skip


def check_all(changes: Sequence[Change], fields: Sequence[str]) -> None:
    """Raise a Problem (422) with everything that is wrong with the changes; `fields` are where they stand."""
    errors = tuple(
        FieldError(field, text)
        for field, change in zip(fields, changes, strict=True) for text in problems(change)
    )  # fmt: skip
    if errors:
        raise Problem(
            422, "invalid-setting", "A setting's rule is broken", f"{errors[0].problem}; nothing was changed", errors
        )


def problems(change: Change) -> Iterator[str]:
    """What is wrong with the change, in words."""
    one = settings.setting(change.name)
    if one is not None and one.read_only:
        yield f"{change.name} repeats the organization's quota; change that by PATCH …/quota"
    elif change.value is not None:
        yield from settings.check(change.name, change.value) or _flag_problems(change.name, change.value)


def _flag_problems(name: str, value: Any) -> Iterator[str]:
    """What breaks the grammar of flags (docs/flags.md), each with its place in the definition."""
    one = settings.setting(name)
    if name.endswith("/evaluators"):
        found = flags.check_evaluators(value)
    elif one is not None and one.type == "flag" and not isinstance(value, bool):
        found = flags.check(value)
    else:
        found = []
    yield from (f"{name}: {problem.path}: {problem.message}" if problem.path else f"{name}: {problem.message}"
                for problem in found)  # fmt: skip
