"""flagd's files come in and go out as they are."""

from typing import Any

import pytest

from liveconfig.flags import DocumentError, FlagSet, Reason, from_flagd, to_flagd

RED = {"state": "ENABLED", "variants": {"red": "#FF0000", "blue": "#0000FF"}, "defaultVariant": "red"}
DOCUMENT: dict[str, Any] = {
    "$schema": "https://flagd.dev/schema/v0/flags.json",
    "flags": {
        "header-color": {
            **RED,
            "targeting": {"if": [{"$ref": "emailWithFaas"}, "blue", None]},
            "metadata": {"version": "17", "team": "header"},
        },
        "footer-color": RED,
    },
    "$evaluators": {"emailWithFaas": {"in": ["@faas.com", {"var": ["email"]}]}},
    "metadata": {"team": "user-experience", "flagSetId": "ecommerce"},
}


def test_a_file_is_evaluated_as_in_flagd() -> None:
    flags = FlagSet(*from_flagd(DOCUMENT))
    header = flags.evaluate("header-color", "", {"email": "rachel@faas.com"}, "string")
    assert (header.value, header.reason) == ("#0000FF", Reason.TARGETING_MATCH)
    assert header.metadata == {"team": "header", "flagSetId": "ecommerce", "version": "17"}, (
        "the flag's own has precedence"
    )
    footer = flags.evaluate("footer-color", "", {}, "string")
    assert (footer.variant, footer.metadata) == ("red", DOCUMENT["metadata"])


def test_reading_changes_nothing_of_the_file_and_writing_gives_it_back() -> None:
    before = repr(DOCUMENT)
    definitions, evaluators = from_flagd(DOCUMENT)
    assert repr(DOCUMENT) == before
    written = to_flagd(definitions, evaluators)
    assert written["$schema"] == DOCUMENT["$schema"] and written["$evaluators"] == DOCUMENT["$evaluators"]
    assert from_flagd(written) == (definitions, evaluators)
    assert to_flagd({"footer-color": RED}) == {"$schema": DOCUMENT["$schema"], "flags": {"footer-color": RED}}


def test_flags_may_come_as_a_list_with_keys() -> None:
    assert from_flagd({"flags": [{"key": "color", **RED}]}).definitions == {"color": RED}


def test_an_invalid_flag_comes_as_it_is() -> None:
    assert from_flagd({"flags": {"bad": 7}, "metadata": {"a": 1}}).definitions == {"bad": 7}


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ([], "an object with `flags`"),
        ({}, "an object with `flags`"),
        ({"flags": "x"}, "must be an object by key"),
        ({"flags": [RED]}, "has no key"),
        ({"flags": {}, "$evaluators": []}, None),
        ({"flags": {}, "$evaluators": [1]}, r"\$evaluators is \[1\]"),
        ({"flags": {}, "metadata": "x"}, "metadata is 'x'"),
    ],
)
def test_what_is_no_file_is_refused(document: Any, part: str | None) -> None:
    if part is None:
        assert from_flagd(document) == ({}, {})
        return
    with pytest.raises(DocumentError, match=part):
        from_flagd(document)


def test_prerequisites_do_not_leave_silently() -> None:
    needing = {**RED, "targeting": {"if": [True, "red"]}, "prerequisites": [{"flag": "other", "variant": "red"}]}
    with pytest.raises(DocumentError, match="flagd knows no prerequisites, and needing would"):
        to_flagd({"needing": needing, "other": RED})
