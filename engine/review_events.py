"""The preview of one stack, read from the engine's own events (`pulumi preview --json`, one JSON event a line).

Pure. The events' schema is Pulumi's `apitype.EngineEvent`; of what it has, only what a review shows is kept, and
properties only of resources that change, so that a stack of a thousand organizations stays small in memory.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Properties = Mapping[str, Any]

_ORGANIZATION = "agent-ready:tenancy:Organization"
# Kept even when unchanged: they tell the plan and the sizes that an organization has today.
_TELLING = frozenset({"tenancy:index:OrganizationRow", "kubernetes:core/v1:ResourceQuota"})
_VERBS = {
    "create": "add", "import": "add", "update": "change", "delete": "remove", "same": "same", "replace": "replace",
    "create-replacement": "replace", "delete-replaced": "replace", "import-replacement": "replace",
}  # fmt: skip
_PASSWORD = re.compile(r"(?P<start>[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@]+@", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """What the engine would do with one resource; `verb` is add, change, remove, replace or same.

    `old` and `new` are the inputs before and after; the engine has blinded secrets in them. `touched` lists the
    property paths that the provider says differ, `replacing` those that force the replacement.
    """

    verb: str
    urn: str
    kind: str
    name: str
    organization: str
    old: Properties
    new: Properties
    touched: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()

    @property
    def is_organization(self) -> bool:
        """Whether this is the organization's component itself."""
        return self.kind == _ORGANIZATION


@dataclass(frozen=True, order=True)
class Violation:
    """A policy that a resource breaks, in the policy's own words; only a mandatory one refuses the change."""

    policy: str
    resource: str
    text: str
    mandatory: bool


@dataclass(frozen=True)
class Preview:
    """What one stack's preview found. `succeeded` is false if the engine did not come to its end, or refused it."""

    stack: str
    steps: tuple[Step, ...] = ()
    violations: tuple[Violation, ...] = ()
    rules: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    succeeded: bool = True

    @property
    def refused(self) -> bool:
        """Whether a mandatory policy refuses the change."""
        return any(violation.mandatory for violation in self.violations)

    @property
    def failed(self) -> bool:
        """Whether the engine failed for another reason than policies."""
        return not self.succeeded and (bool(self.errors) or not self.refused)

    def ended(self, exit_code: int, said: str) -> "Preview":
        """The same, now that the engine's exit code is known and what it `said` beside its events."""
        ended = replace(self, succeeded=self.succeeded and exit_code == 0)
        if ended.succeeded or ended.errors or ended.refused:
            return ended
        reason = redact(said.strip()) or f"pulumi ended with exit code {exit_code} and said nothing"
        return replace(ended, errors=(reason,))


def read_preview(stack: str, lines: Iterable[str]) -> Preview:
    """Read a preview from the events of its engine, as they come."""
    steps: dict[str, dict[str, Any]] = {}
    parents: dict[str, str] = {}
    violations: set[Violation] = set()
    rules: set[str] = set()
    errors: list[str] = []
    finished = False
    for kind, event in _events(lines):
        if kind == "resourcePreEvent":
            _add_step(steps, parents, event["metadata"])
        elif kind == "policyEvent":
            violations.add(_violation(event))
        elif kind.startswith("policyAnalyze"):
            rules.update(event.get("passed") or (), event.get("failed") or ())
        elif kind == "diagnosticEvent" and event.get("severity") == "error":
            errors.append(redact(str(event.get("message", "")).strip()))
        elif kind == "summaryEvent":
            finished = event.get("result", "succeeded") == "succeeded"
    return Preview(
        stack=stack,
        steps=tuple(_step(urn, raw, parents) for urn, raw in steps.items()),
        violations=tuple(sorted(violations)),
        rules=tuple(sorted(rules | {violation.policy for violation in violations})),
        errors=tuple(text for text in dict.fromkeys(errors) if text not in ("", "preview failed")),
        succeeded=finished,
    )


def redact(text: str) -> str:
    """The text without the passwords of addresses in it (`postgresql://user:…@host`)."""
    return _PASSWORD.sub(r"\g<start>:…@", text)


def _events(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, event) of every line that is an event; most lines are debug messages, which are not even parsed."""
    for line in lines:
        if not line.startswith("{") or '"severity":"debug"' in line:
            continue
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        for kind, body in event.items():
            if isinstance(body, dict):
                yield kind, body


def _add_step(steps: dict[str, dict[str, Any]], parents: dict[str, str], metadata: dict[str, Any]) -> None:
    """Note one step. A replacement comes as several steps of one resource; together they are one."""
    urn, verb = metadata["urn"], _VERBS.get(metadata["op"])
    if verb is None:
        return
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    parents[urn] = new.get("parent") or old.get("parent") or ""
    before = steps.get(urn)
    if before is not None and before["verb"] == "replace" and verb != "replace":
        return
    telling = verb != "same" or metadata["type"] in _TELLING
    steps[urn] = {
        "verb": verb,
        "kind": metadata["type"],
        "old": (old.get("inputs") or {}) if telling else {},
        "new": (new.get("inputs") or {}) if telling and metadata["op"] != "delete-replaced" else {},
        "touched": set(metadata.get("diffs") or ()) | set(metadata.get("detailedDiff") or ()),
        "replacing": set(metadata.get("keys") or ()),
    }
    if before is not None:
        for key in ("touched", "replacing"):
            steps[urn][key] |= before[key]
        for key in ("old", "new"):
            steps[urn][key] = steps[urn][key] or before[key]


def _step(urn: str, raw: dict[str, Any], parents: Mapping[str, str]) -> Step:
    return Step(
        verb=raw["verb"],
        urn=urn,
        kind=raw["kind"],
        name=_name(urn),
        organization=_organization(urn, parents),
        old=raw["old"],
        new=raw["new"],
        touched=tuple(sorted(raw["touched"])),
        replacing=tuple(sorted(raw["replacing"])),
    )


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _kind(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1] if urn.count("::") >= 3 else ""


def _organization(urn: str, parents: Mapping[str, str]) -> str:
    """The slug of the organization that the resource belongs to, or "" for the platform's own."""
    while urn:
        if _kind(urn) == _ORGANIZATION:
            return _name(urn)
        urn = parents.get(urn, "")
    return ""


def _violation(event: dict[str, Any]) -> Violation:
    """The policy's description comes first in its message; what is wrong with this resource is the rest."""
    _, _, text = str(event.get("message", "")).strip().partition("\n")
    level = event.get("enforcementLevel", "mandatory")
    return Violation(
        policy=str(event.get("policyName", "?")),
        resource=_name(str(event.get("resourceUrn", ""))) or "the stack",
        text=redact(text.strip() or str(event.get("message", "")).strip()),
        mandatory=level not in ("advisory", "warning"),
    )
