"""Hypothesis strategies for valid organizations, and the settings that keep property tests quick and repeatable."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tenants.errors import InvalidName
from tenants.model import Organization
from tenants.names import check_slug
from tenants.permissions import ROLES
from tenants.plans import PLANS

repeatable = settings(deadline=None, max_examples=40, derandomize=True, database=None)


def _may_name(slug: str) -> bool:
    try:
        return bool(check_slug(slug))
    except InvalidName:
        return False


_slugs = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,57}[a-z0-9])?", fullmatch=True).filter(_may_name)
_locals = st.text("abz09.!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=20)
_domains = st.text("abz09.-", max_size=20).map(lambda middle: f"a{middle}9")
_emails = st.tuples(_locals, _domains).map("@".join)
_ALPHABETS = ("aZéß", "Яж", "Ωλ", "世界カな", "אב")  # one script each, in which no letter poses as another
_punctuation = "09 -&.,'()"
_display_names = (
    st.sampled_from(_ALPHABETS)
    .flatmap(lambda letters: st.text(letters + _punctuation, min_size=1, max_size=100))
    .filter(lambda name: name == name.strip())
)
_words = st.text("abz09_", max_size=50).map(lambda rest: f"s{rest}")
_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_numbers = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)  # what jsonb can hold
_named = st.fixed_dictionaries(
    {},
    optional={
        "ai/threshold": st.integers(0, 1) | st.floats(0, 1),
        "ai/seed": _numbers,
        "ai/system_prompt": _text,
        "email/max_retries": st.integers(0, 20),
        "webhook/url": st.from_regex(r"https://[a-z]{1,9}\.example(/[a-z0-9]{0,9})?", fullmatch=True),
    },
)
_flags = st.dictionaries(_words.map("features/{}".format), st.booleans(), max_size=3)
_label_keys = st.from_regex(r"([a-z]{1,9}\.example/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,20}[A-Za-z0-9])?", fullmatch=True)
_label_values = st.from_regex(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,20}[A-Za-z0-9])?)?", fullmatch=True)
_labels = st.dictionaries(_label_keys, _label_values, max_size=3)
_configs = st.tuples(_named, _flags).map(lambda both: {**both[0], **both[1]})


def slugs() -> st.SearchStrategy[str]:
    """Every slug that may name an organization, up to the longest."""
    return _slugs


@st.composite
def _members(draw: st.DrawFn) -> list[dict[str, str]]:
    first, *others = draw(st.lists(_emails, min_size=1, max_size=8, unique=True))
    return draw(
        st.permutations(
            [{"email": first, "role": "owner"}] + [{"email": e, "role": draw(st.sampled_from(ROLES))} for e in others]
        )
    )


@st.composite
def _quotas(draw: st.DrawFn, plan: str) -> dict[str, Any]:
    most, fixed = PLANS[plan].maximum, PLANS[plan]
    asked = {
        "cpu": draw(st.none() | st.integers(1, most.cpu).map(lambda m: f"{m}m") | st.integers(1, most.cpu // 1000)),
        "memory": draw(st.none() | st.integers(1, most.memory // 2**10).map(lambda k: f"{k}Ki")),
        "storage": draw(st.none() | st.integers(1, most.storage // 2**20).map(lambda m: f"{m}Mi")),
        "ephemeral_storage": draw(st.none() | st.integers(1, fixed.ephemeral_storage // 2**20).map(lambda m: f"{m}Mi")),
        "pods": draw(st.none() | st.integers(1, fixed.pods)),
    }
    return {key: value for key, value in asked.items() if value is not None}


@st.composite
def organization_data(draw: st.DrawFn) -> dict[str, Any]:
    """One organization as a catalog file's plain values."""
    slug, plan = draw(_slugs), draw(st.sampled_from(sorted(PLANS)))
    others = st.lists(_slugs, max_size=3).map(lambda found: [other for other in found if other != slug])
    return {
        "name": draw(_display_names),
        "slug": slug,
        "plan": plan,
        "members": draw(_members()),
        "quota": draw(_quotas(plan)),
        "network": {"allow_from": draw(others), "allow_to": draw(others)},
        "protected": draw(st.booleans()),
        "labels": draw(_labels),
        "configs": draw(_configs),
    }


def valid_organizations() -> st.SearchStrategy[Organization]:
    """Validated organizations of every plan, size and shape."""
    return organization_data().map(Organization.model_validate)
