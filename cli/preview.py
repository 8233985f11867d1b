"""`preview`: what a change would do to resources, rows, cost and policies."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options
from cli.answers import Change, Cost, Policies, Preview
from cli.errors import Differs, Misused
from cli.screen import Screen
from cli.session import Session

EXAMPLES = """\
Examples
  python -m cli preview zephyr-foods --cpu 16 --memory 64Gi
  python -m cli preview zephyr-foods --plan enterprise --json | jq .cost.delta
  echo '{"labels": {"team": "blue"}}' | python -m cli preview zephyr-foods --change -
"""
_EXAMPLE = '{"plan": "business", "quota": {"cpu": "16"}}'
ChangeFile = Annotated[
    Path | None,
    typer.Option("--change", metavar="FILE", help="More of the change, as JSON; - reads it.", show_default=False),
]


def preview(
    slug: options.Slug, plan: options.Plan = None, cpu: options.Cpu = None, memory: options.Memory = None,
    storage: options.Storage = None, change: ChangeFile = None, as_json: options.Json = False,
    wait: options.Wait = False,
) -> None:  # fmt: skip
    """Show what a change would do. Nothing is changed.

    Exit code 1 if the change would break a mandatory policy.
    """
    body = {**(_load(change) if change else {}), **options.given(plan=plan)}
    quota = {**(body.get("quota") or {}), **options.given(cpu=cpu, memory=memory, storage=storage)}
    if quota:
        body["quota"] = quota
    with Session.open(wait=wait) as session:
        with session.screen.progress(f"previewing {slug}"):
            found = session.api.preview(slug, body)
        if as_json:
            session.screen.json(found.plain())
        else:
            _print(session.screen, found)
        broken = [violation for violation in found.policies.violations if violation.mandatory]
        if broken:
            raise Differs(f"{len(broken)} mandatory policies would be broken; this change will be refused.")


def _load(path: Path) -> dict[str, Any]:
    loaded = options.read_json("--change", path, _EXAMPLE)
    if not isinstance(loaded.get("quota") or {}, dict):
        raise Misused(f"--change {path}: quota is no JSON object; write it as in {_EXAMPLE}.")
    return loaded


def _print(screen: Screen, found: Preview) -> None:
    for title, changes in (("Resources", found.resources), ("Rows", found.rows)):
        if changes:
            screen.table(["", "KIND", "NAME", "PLACE", "FIELD", "BEFORE", "AFTER"], _rows(changes), title=title)
        else:
            screen.line(f"{title}: no change")
        screen.line("")
    screen.line(_money(found.cost))
    screen.line("")
    _print_policies(screen, found.policies)


def _rows(changes: Sequence[Change]) -> Iterator[list[object]]:
    """A line for each field; what it belongs to stands in the first one."""
    for change in changes:
        lead: list[object] = [change.verb, change.kind, change.name, change.place or ""]
        if not change.fields:
            yield [*lead, "", "", ""]
        for field in change.fields:
            yield [*lead, field.path, field.before, field.after]
            lead = [""] * len(lead)


def _money(cost: Cost) -> str:
    if cost.delta is None:
        return f"Cost: {cost.after if cost.after is not None else '–'} {cost.currency} a month"
    sign = "" if str(cost.delta).startswith("-") else "+"
    return f"Cost: {cost.before} → {cost.after} {cost.currency} a month ({sign}{cost.delta})"


def _print_policies(screen: Screen, policies: Policies) -> None:
    if policies.violations:
        rows = [[_weight(v.mandatory), v.policy, v.resource, v.text] for v in policies.violations]
        screen.table(["", "POLICY", "RESOURCE", "PROBLEM"], rows, title="Policies")
        screen.line("")
    broken = {violation.policy for violation in policies.violations}
    names = [rule if isinstance(rule, str) else str(rule.get("name", rule)) for rule in policies.rules]
    screen.table(["RULE", "RESULT"], [[name, "broken" if name in broken else "kept"] for name in names])


def _weight(mandatory: bool) -> str:
    return "mandatory" if mandatory else "advisory"
