"""Names are DNS labels that nobody can confuse, and the reserved ones stay the platform's."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import names
from tenants.errors import InvalidName
from tests.unit.tenants.strategies import repeatable, slugs


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Robotics", "acme-robotics"),
        ("ACME", "acme"),
        ("  Acme  ", "acme"),
        ("Acme, Inc.", "acme-inc"),
        ("42", "42"),
        ("a--b", "a-b"),
        ("--a--", "a"),
        ("Café Zürich", "cafe-zurich"),
        ("Ångström", "angstrom"),
        ("O'Neill & Söhne", "o-neill-sohne"),
        ("tab\tand\nnewline", "tab-and-newline"),
        ("0", "0"),
    ],
)
def test_a_customers_name_becomes_a_slug(name: str, slug: str) -> None:
    assert names.slugify(name) == slug, f"{name!r} must give {slug}"


@pytest.mark.parametrize("name", ["A-B", "a b", "A_B", "a  b", "a.b", "A&B", "(a)b"])
def test_names_that_differ_only_in_case_and_punctuation_share_one_slug(name: str) -> None:
    assert names.slugify(name) == "a-b", "one slug, so that the catalog sees the clash and refuses the second"


def test_composed_and_decomposed_spelling_give_one_slug() -> None:
    nfc, nfd = (unicodedata.normalize(form, "Café Zürich") for form in ("NFC", "NFD"))
    assert nfc != nfd, "the two spellings must differ for this test to mean anything"
    assert names.slugify(nfc) == names.slugify(nfd), "what looks the same must clash, not coexist"


@pytest.mark.parametrize("name", ["", " ", "---", "世界", "Ω", "\u202e", "🚀", "!?"])
def test_a_name_with_nothing_to_make_a_slug_of_asks_for_one(name: str) -> None:
    with pytest.raises(InvalidName, match="give `slug` yourself"):
        names.slugify(name)


def test_a_right_to_left_override_leaves_no_trace_in_the_slug() -> None:
    assert names.slugify("acme\u202eevil") == "acmeevil", "the slug shows the letters in their stored order"


@pytest.mark.parametrize("name", ["\u0410cme", "Straße", "Smørrebrød", "acme世界"])
def test_letters_that_have_no_ascii_form_are_refused_instead_of_dropped(name: str) -> None:
    with pytest.raises(InvalidName):
        names.slugify(name)


@pytest.mark.parametrize(
    "name",
    [
        "Default",
        "Platform",
        "SYSTEM",
        "Admin",
        "API",
        "www",
        "Kube System",
        "kube-public",
        "OpenShift Config",
        "Agent Ready",
        "Agent-Ready-System",
        "Admission Canary",
    ],
)
def test_a_reserved_name_is_refused_however_it_is_spelled(name: str) -> None:
    with pytest.raises(InvalidName, match="reserved for the platform; choose another"):
        names.slugify(name)


@pytest.mark.parametrize(
    "slug", ["kubernetes", "kube", "my-default", "default-1", "apis", "openshift", "administrator"]
)
def test_a_slug_that_only_resembles_a_reserved_one_is_free(slug: str) -> None:
    assert names.check_slug(slug) == slug, "only the exact names and the listed prefixes are reserved"


def test_the_longest_slug_fills_a_namespace_name_exactly() -> None:
    longest = "a" * 59
    assert names.check_slug(longest) == longest, "59 characters fit"
    assert len(names.namespace(longest)) == 63, "org- and 59 characters are the 63 of a DNS label"


@pytest.mark.parametrize("length", [60, 63, 64, 300])
def test_a_slug_that_is_too_long_is_refused_with_both_lengths(length: int) -> None:
    with pytest.raises(InvalidName, match=rf"has {length} characters; a slug has at most 59"):
        names.check_slug("a" * length)


def test_a_name_that_gives_too_long_a_slug_is_refused_and_not_cut() -> None:
    with pytest.raises(InvalidName, match="at most 59"):
        names.slugify("x" * 60)


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "-",
        "-a",
        "a-",
        "A",
        "Acme",
        "a_b",
        "a.b",
        "a b",
        "a/b",
        "../a",
        "a:b",
        "café",
        "cafe\u0301",
        "\u0430cme",
        "acme\u200b",
        "acme\u202e",
        "ａcme",
        "a\nb",
        " a",
        "a ",
        "*",
        "a\0",
    ],
)
def test_what_is_no_dns_label_is_no_slug(slug: str) -> None:
    with pytest.raises(InvalidName, match="inner hyphens") as refused:
        names.check_slug(slug)
    assert repr(slug) in str(refused.value), "the text must show the offending value, invisible characters escaped"


def test_a_final_newline_is_not_part_of_a_slug() -> None:
    with pytest.raises(InvalidName):
        names.check_slug("acme\n")


@repeatable
@given(st.text(max_size=80))
def test_any_text_gives_a_valid_slug_or_a_refusal(name: str) -> None:
    try:
        slug = names.slugify(name)
    except InvalidName:
        return
    assert names.check_slug(slug) == slug, "what slugify returns must pass the check"
    assert names.slugify(slug) == slug, "a slug is its own slug"


@repeatable
@given(slugs(), slugs())
def test_two_organizations_never_share_a_name_of_anything(one: str, other: str) -> None:
    for name in (names.namespace, names.allow_from, names.allow_to):
        assert (name(one) == name(other)) == (one == other), "names keep different slugs apart"


def test_the_canary_of_the_admission_proof_can_never_be_a_customer() -> None:
    with pytest.raises(InvalidName):
        names.check_slug(names.CANARY_SLUG)


def test_members_and_roles_are_named_as_the_contract_says() -> None:
    assert names.cluster_user("ada@acme.example") == "agent-ready:ada@acme.example", "DESIGN.md, Kubernetes"
    assert names.cluster_role("owner") == "agent-ready:owner", "one ClusterRole a role"
    assert names.role_binding("viewer") == "organization-viewers", "one RoleBinding a role"
    assert names.READY_LABEL == "isolation-ready", "DESIGN.md and the admission policies name this label"
    assert names.OPERATION_ANNOTATION == "agent-ready.io/operation-id", "DESIGN.md names this annotation"


def test_punctuation_of_any_script_separates_words() -> None:
    assert names.slugify("Acme–Robotics…GmbH") == "acme-robotics-gmbh", "a dash is a dash"


def test_a_network_policys_resource_is_named_by_nobody_else() -> None:
    one = names.network_policy_resource("a", names.allow_from("b-default-deny"))
    other = names.network_policy_resource("a-allow-from-b", names.DEFAULT_DENY)
    assert one != other, "two resources of one name are a program that cannot run"
