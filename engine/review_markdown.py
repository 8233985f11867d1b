"""A review as Markdown, ready to be posted on a pull request. Pure.

The first line is a marker by which a pipeline finds its own earlier comment and updates it. What comes from the
catalog is shown in code spans only, so that a name can neither mention anybody nor break the table that it is in.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from engine.review import ObjectChange, OrganizationChange, Review
from engine.review_fields import FieldChange
from tenants.cost import CURRENCY, format_money
from tenants.errors import Problem

MARKER = "<!-- agent-ready-k8s review -->"
LONGEST = 60_000  # characters; GitHub refuses comments of more than 65,536
_TITLE = "## Review of the catalog change"
_ICONS = {"add": "➕", "change": "✏️", "remove": "🗑️", "replace": "⚠️", "move": "🚚"}
_PAST = {"add": "added", "change": "changed", "remove": "removed", "replace": "replaced", "move": "moved"}
_PLACES = {"database": "row or role", "cluster": "cluster object", "other": "other resource"}
_MOST = 100  # organizations that are listed one by one


def render(review: Review) -> str:
    """The whole review; where it would be too long for a comment, single fields are left out first."""
    for detailed, most in ((True, _MOST), (False, _MOST), (False, 20)):
        text = "\n".join(_blocks(review, detailed, most)) + "\n"
        if len(text) <= LONGEST:
            return text
    return text[:LONGEST].rsplit("\n", 1)[0] + "\n\n_Cut here: the review is too long for a comment._\n"


def render_broken_catalog(problems: Sequence[Problem]) -> str:
    """What is wrong with the catalog; nothing else can be said about it."""
    lines = [f"- {_code(f'tenants/orgs/{p.file}:{p.line}')} {_code(p.key)} {_code(p.text, 500)}" if p.key else
             f"- {_code(f'tenants/orgs/{p.file}:{p.line}')} {_code(p.text, 500)}" for p in problems[:200]]  # fmt: skip
    more = [f"- and {len(problems) - 200} more"] if len(problems) > 200 else []
    return "\n".join([MARKER, _TITLE, "", f"❌ **The catalog has {_count(len(problems), 'problem')}; nothing of it "
                      "would be deployed.**", "", *lines, *more, ""])  # fmt: skip


def render_failure(stack: str, reason: str) -> str:
    """Why there is no review."""
    return "\n".join([MARKER, _TITLE, "", *_failures([(stack, reason)]), ""])


def _blocks(review: Review, detailed: bool, most: int) -> Iterator[str]:
    yield from (MARKER, _TITLE, "", _summary(review), "")
    yield from _failures(review.errors)
    yield from _refusals(review)
    yield from _losses(review)
    if review.organizations:
        yield from _table(review, most)
    for change in review.organizations[:most]:
        yield from _organization(change, detailed)
    if review.platform:
        yield from ("### The platform's own resources", "")
        yield from _objects(review.platform, detailed)
    yield from _policies(review)


def _summary(review: Review) -> str:
    verbs = Counter(change.verb for change in review.organizations)
    counts = [f"{verbs[verb]} {_PAST[verb]}" for verb in _PAST if verbs[verb]]
    counts = counts or ["incomplete" if review.errors else "no organization changes"]
    parts = [f"**{', '.join(counts)}**, {review.unchanged} unchanged", _total(review), _verdict(review)]
    if review.platform:
        parts.insert(1, f"{_count(len(review.platform), 'change')} of the platform itself")
    return " · ".join([*parts, f"stack{'s' if len(review.stacks) != 1 else ''} {_list(review.stacks)}"])


def _total(review: Review) -> str:
    delta = review.delta
    if review.errors:
        return "monthly cost not known"
    if delta is None:
        return f"monthly cost {format_money(review.after)}, the change is not known"
    before = format_money(review.after - delta)
    return f"monthly cost {before} → {format_money(review.after)} (**{format_money(delta, signed=True)}**)"


def _verdict(review: Review) -> str:
    broken = len({(v.policy, v.resource) for v in review.violations if v.mandatory})
    if broken:
        return f"❌ **{_count(broken, 'policy violation')}**"
    if review.errors:
        return "❌ **the engine failed**"
    return f"✅ {_count(len(review.rules), 'policy rule')} passed" if review.rules else "no policies were checked"


def _failures(errors: Iterable[tuple[str, str]]) -> Iterator[str]:
    for stack, text in errors:
        yield from (f"### ❌ The engine failed on stack {_code(stack)}", "")
        yield from ("This review is incomplete: what follows is only what was seen before.", "")
        yield from ("```text", text.replace("```", "ʼʼʼ")[:6000], "```", "")


def _refusals(review: Review) -> Iterator[str]:
    if not review.violations:
        return
    yield from ("### Policies that are broken", "", "| | policy | resource | what is wrong |", "|---|---|---|---|")
    found: dict[tuple[bool, str, str], list[str]] = {}
    for violation in review.violations:
        found.setdefault((violation.mandatory, violation.policy, violation.resource), []).append(violation.text)
    for (mandatory, policy, resource), texts in list(found.items())[:50]:
        more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
        icon = "❌" if mandatory else "⚠️"
        yield f"| {icon} | {_code(policy)} | {_code(resource)} | {'<br>'.join(map(_code, texts[:3]))}{more} |"
    if len(found) > 50:
        yield f"| | | | and {len(found) - 50} more |"
    yield ""


def _losses(review: Review) -> Iterator[str]:
    lines: list[str] = []
    for change in review.organizations:
        lines += [f"> - {_code(change.slug)}: {_loss(loss)}" for loss in change.losses]
    lines += [f"> - the platform itself: {_loss(loss)}" for loss in review.platform if loss.loss]
    if lines:
        yield from ("> [!CAUTION]", "> **DATA LOSS: this change deletes what cannot be brought back.**", ">")
        yield from lines[:60]
        if len(lines) > 60:
            yield f"> - and {len(lines) - 60} more"
        yield ""
    replaced = [
        f"{_code(owner)} {_code(change.kind)} {_code(change.name)}"
        + (f" (because of {_list(change.replacing)})" if change.replacing else "")
        for owner, changes in (*((c.slug, c.objects) for c in review.organizations), ("platform", review.platform))
        for change in changes
        if change.verb == "replace" and not change.loss
    ]
    if replaced:
        more = f" and {len(replaced) - 20} more" if len(replaced) > 20 else ""
        yield "> [!WARNING]"
        yield from (f"> **Replaced**, that is deleted and made again: {'; '.join(replaced[:20])}{more}", "")


def _loss(change: ObjectChange) -> str:
    return f"{_code(change.kind)} {_code(change.name)} is **{_PAST[change.verb]}**, and with it {change.loss}"


def _table(review: Review, most: int) -> Iterator[str]:
    yield from (f"| | organization | what changes | {CURRENCY} a month |", "|---|---|---|---|")
    for change in review.organizations[:most]:
        verb = f"{_ICONS[change.verb]} {_PAST[change.verb]}"
        yield f"| {verb} | {_code(change.slug)} | {_what(change)} | {_cost(change)} |"
    if len(review.organizations) > most:
        yield f"| | and {len(review.organizations) - most} more | | |"
    yield ""


def _what(change: OrganizationChange) -> str:
    if change.verb == "move":
        return f"from one stack to another ({_list(change.stacks)}): deleted in the one, made anew in the other"
    shown = [_fact(fact) for fact in change.facts if change.verb == "change" or not fact.path.startswith("setting ")]
    more = [f"and {len(shown) - 8} more"] if len(shown) > 8 else []
    if not shown:
        kinds = Counter(changed.kind for changed in change.objects)
        shown = [f"{count} × {_code(kind)}" for kind, count in sorted(kinds.items())][:8]
    return ", ".join([*shown[:8], *more])


def _fact(fact: FieldChange) -> str:
    """`plan a → b`; of what there are several, such as members, which one, and a sign where it comes or goes."""
    what, _, which = fact.path.partition(" ")
    label = f"{what} {_code(which)}" if which else what
    if fact.hidden:
        return f"{label} (not shown)"
    if fact.before is not None and fact.after is not None:
        return f"{label} {_code(fact.before)} → {_code(fact.after)}"
    sign = ("+ " if fact.before is None else "− ") if which else ""
    return f"{sign}{label} {_code(fact.after if fact.before is None else fact.before)}"


def _cost(change: OrganizationChange) -> str:
    if change.before is None or change.after is None:
        return "not known"
    delta = change.after - change.before
    if not delta:
        return f"{change.after:,.2f}"
    return f"{change.before:,.2f} → {change.after:,.2f} (**{format_money(delta, signed=True).rsplit(' ', 1)[0]}**)"


def _organization(change: OrganizationChange, detailed: bool) -> Iterator[str]:
    yield from (f"### {_ICONS[change.verb]} {_code(change.slug)} is {_PAST[change.verb]}", "")
    if change.objects:
        yield from _objects(change.objects, detailed)


def _objects(changes: Sequence[ObjectChange], detailed: bool) -> Iterator[str]:
    """What changes in the database and in the cluster: counted, and field by field to unfold."""
    for place, words in _PLACES.items():
        here = [change for change in changes if change.place == place]
        if not here:
            continue
        verbs = Counter(change.verb for change in here)
        counts = ", ".join(f"{verbs[verb]} {_PAST[verb]}" for verb in _PAST if verbs[verb])
        title = f"{_plural(words)}: {counts}"
        if not detailed:
            yield from (f"- {title}", "")
            continue
        yield from (f"<details><summary>{title}</summary>", "", "| | what | field | before | after |")
        yield "|---|---|---|---|---|"
        for change in here:
            yield from _rows(change)
        yield from ("", "</details>", "")


def _rows(change: ObjectChange) -> Iterator[str]:
    what = f"{_ICONS[change.verb]} {_PAST[change.verb]} | {_code(change.kind)} {_code(change.name)}"
    if not change.fields:
        yield f"| {what} | | | |"
    for index, field in enumerate(change.fields):
        values = "_not shown_ | _not shown_" if field.hidden else f"{_code(field.before)} | {_code(field.after)}"
        forces = " **(forces the replacement)**" if field.path in change.replacing else ""
        yield f"| {what if index == 0 else ' | '} | {_code(field.path)}{forces} | {values} |"


def _policies(review: Review) -> Iterator[str]:
    broken = {violation.policy for violation in review.violations}
    passed = [rule for rule in review.rules if rule not in broken]
    if passed and not review.errors:
        yield from ("### Policies", "", f"✅ passed: {_list(passed)}", "")


def _code(text: str | Decimal | None, longest: int = 120) -> str:
    """The text as a code span that stays one cell of a table; nothing for None."""
    if text is None:
        return ""
    plain = " ".join(str(text).split()).replace("`", "ʼ").replace("|", "\\|")
    if len(plain) > longest:
        plain = plain[: longest - 1].rstrip("\\") + "…"
    return f"`{plain}`" if plain else "` `"


def _list(texts: Iterable[str]) -> str:
    return ", ".join(map(_code, texts))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    return {"row or role": "rows and roles"}.get(noun, f"{noun}s")
