"""flagd's operators, with the vectors of its own test bed: which name falls into which share is a contract."""

from collections import Counter
from typing import Any

import pytest

from liveconfig.flags import FlagSet, Reason, check

SUITS = ["clubs", "diamonds", "hearts", "spades"]


def flag(targeting: Any, *variants: str, default: str | None = "default", hashing: str = "v3") -> dict[str, Any]:
    names = [*variants, *([default] if default else [])]
    return {
        "state": "ENABLED",
        "variants": {name: name for name in names},
        "defaultVariant": default,
        "targeting": targeting,
        "metadata": {"fractional": hashing},
    }


def served(
    targeting: Any, context: dict[str, Any], *variants: str, key: str = "flag", now: float = 0, hashing: str = "v3"
) -> str:
    flags = FlagSet({key: flag(targeting, *variants, hashing=hashing)}, clock=lambda: now)
    details = flags.evaluate(key, "code", context, "string")
    assert details.error_code is None, details
    return details.value


def quarters(bucket_by: Any) -> dict[str, Any]:
    return {"fractional": [bucket_by, *([suit, 25] for suit in SUITS)]}


@pytest.mark.parametrize(
    ("name", "v2", "v3"),
    [
        ("jack", "hearts", "diamonds"),
        ("queen", "spades", "diamonds"),
        ("ten", "clubs", "clubs"),
        ("nine", "diamonds", "clubs"),
        ("3", "clubs", "spades"),
    ],
)
def test_shares_seeded_with_the_flags_key_fall_as_in_flagd(name: str, v2: str, v3: str) -> None:
    rule = quarters({"cat": [{"var": "$flagd.flagKey"}, {"var": "user.name"}]})
    context = {"user": {"name": name}}
    assert served(rule, context, *SUITS, key="fractional-flag") == v3
    assert served(rule, context, *SUITS, key="fractional-flag", hashing="v2") == v2


@pytest.mark.parametrize(
    ("name", "v2", "v3"),
    [
        ("seven", "hearts", "hearts"),
        ("eight", "diamonds", "hearts"),
        ("nine", "clubs", "diamonds"),
        ("two", "spades", "diamonds"),
    ],
)
def test_shares_with_a_seed_of_their_own_fall_as_in_flagd_whatever_the_flag(name: str, v2: str, v3: str) -> None:
    rule = quarters({"cat": ["shared-seed", {"var": "user.name"}]})
    for key in ("A", "B"):
        assert served(rule, {"user": {"name": name}}, *SUITS, key=key) == v3
        assert served(rule, {"user": {"name": name}}, *SUITS, key=key, hashing="v2") == v2


@pytest.mark.parametrize(
    ("key", "side", "hashing"),
    [
        ("jon@company.com", "heads", "v2"),
        ("jane@company.com", "tails", "v2"),
        ("jon@company.com", "tails", "v3"),
        ("jane@company.com", "tails", "v3"),
        ("user-1", "heads", "v3"),
        ("user-2", "tails", "v3"),
        ("user-3", "heads", "v3"),
    ],
)
def test_without_a_bucketing_value_flag_key_and_targeting_key_decide(key: str, side: str, hashing: str) -> None:
    rule = {"fractional": [["heads"], ["tails", 1]]}
    name, context = "fractional-flag-shorthand", {"targetingKey": key}
    assert served(rule, context, "heads", "tails", key=name, hashing=hashing) == side
    keyed = {"fractional": [{"var": "missing"}, ["heads"], ["tails", 1]]}
    expected = side if hashing == "v2" else "default"
    assert served(keyed, context, "heads", "tails", key=name, hashing=hashing) == expected
    made = {"fractional": [{"merge": ["heads", 1]}, ["tails", 1]]}
    assert served(made, context, "heads", "tails", key=name, hashing=hashing) == side, "a list is a share, not a key"


@pytest.mark.parametrize(
    ("key", "side"),
    [("ejOoVL", "lower"), ("bY9fO-", "lower"), ("SI7p-", "lower"), ("6LvT0", "upper"), ("ceQdGm", "upper")],
)
def test_hashes_at_the_edges_of_32_bits_fall_as_in_flagd(key: str, side: str) -> None:
    rule = {"fractional": [{"var": "targetingKey"}, ["lower", 50], ["upper", 50]]}
    assert served(rule, {"targetingKey": key}, "lower", "upper", hashing="v2") == side


BUCKETS: list[tuple[Any, int]] = [
    (True, 5),
    (False, 1),
    ("user1", 22),
    ("user2", 16),
    (123, 20),
    (456, 12),
    (1.23, 14),
    (4.56, 18),
    ("123", 22),
    ("true", 24),
    ("1.23", 4),
    ("", 4),
    ("a", 6),
    ("12345678901234567890123", 4),
    ("123456789012345678901234", 14),
    ("a" * 255, 18),
    ("a" * 256, 7),
    ("あいうえおかき", 17),
    (0, 8),
    (-0.0, 8),
    (1.0, 23),
    (1, 23),
    (-2.0, 12),
    (2**53 + 0.0, 10),
    (23, 21),
    (24, 11),
    (255, 13),
    (256, 13),
    (65535, 4),
    (65536, 11),
    (-24, 4),
    (-25, 16),
    (2147483647, 10),
    (-2147483648, 8),
    (1e20, 19),
    (-1e20, 25),
    (0.00006103515625, 22),
    (0.000000059604644775390625, 23),
    (1.1754943508222875e-38, 24),
    (3.5e38, 1),
    (1.7976931348623157e308, 17),
    (4.9406564584124654e-324, 2),
    ({"a": 1, "b": 2}, 23),
    ({"b": 2, "a": 1}, 23),
    ({"z": 1, "aa": 2}, 21),
    ({"a": {"b": 1}, "b": 2}, 9),
    ({"a": True, "bbb": 1, "c": "text", "dddd": 2.5}, 25),
    ({"aaa": 1, "ÿ": 2}, 12),
    ({"café": "façade", "b": {"résumé": {"ÿ": True}}}, 22),
    ({}, 3),
    ({"a": [1, "two", True, [], None]}, 23),
]


@pytest.mark.parametrize(("key", "bucket"), BUCKETS, ids=str)
def test_a_key_of_any_type_falls_as_in_flagd(key: Any, bucket: int) -> None:
    names = [f"bucket{number}" for number in range(1, 26)]
    rule = {"fractional": [{"var": "key"}, *([name, 4] for name in names)]}
    assert served(rule, {"key": key}, *names) == f"bucket{bucket}"


@pytest.mark.parametrize(
    ("key", "tier", "variant", "weighted"),
    [
        ("jon@company.com", "premium", "premium", "red"),
        ("jon@company.com", "basic", "standard", "blue"),
        ("user1", "premium", "standard", "red"),
        ("user1", "basic", "standard", "blue"),
    ],
)
def test_variants_and_weights_may_be_rules(key: str, tier: str, variant: str, weighted: str) -> None:
    premium = {"==": [{"var": "tier"}, "premium"]}
    context = {"targetingKey": key, "tier": tier}
    named = {"fractional": [{"var": "targetingKey"}, [{"if": [premium, "premium", "standard"]}, 50], ["standard", 50]]}
    assert served(named, context, "premium", "standard", hashing="v2") == variant
    weights = {"fractional": [{"var": "targetingKey"}, ["red", {"if": [premium, 100, 0]}], ["blue", 10]]}
    assert served(weights, context, "red", "blue", hashing="v2") == weighted


@pytest.mark.parametrize(("weights", "variant"), [((0, 100), "big"), ((100, 0), "small")])
def test_a_share_may_be_a_condition(weights: tuple[int, int], variant: str) -> None:
    rule = {"if": [{"fractional": [[False, weights[0]], [True, weights[1]]]}, "big", "small"]}
    assert served(rule, {"targetingKey": "some-targeting-key"}, "big", "small") == variant


@pytest.mark.parametrize(
    "shares",
    [
        [{"var": "targetingKey"}, ["one", 0], ["two", 0]],
        [{"var": "targetingKey"}, ["one", 1.5], ["two", 1]],
        [{"var": "targetingKey"}, ["one", "1"], ["two", 1]],
        [{"var": "targetingKey"}, ["one", True], ["two", 1]],
        [{"var": "targetingKey"}, ["one", 2**31], ["two", 1]],
        [{"var": "targetingKey"}, [], ["two", 1]],
        [{"var": "targetingKey"}, "one", "two"],
        [{"var": "targetingKey"}],
        [{"var": "nobody"}, ["one", 1], ["two", 1]],
        [],
    ],
)
def test_wrong_shares_serve_the_default_and_are_refused_when_written(shares: list[Any]) -> None:
    rule = {"fractional": shares}
    assert served(rule, {"targetingKey": "user", "number": 7}, "one", "two") == "default"
    computed = {"var": "nobody"} in shares
    assert computed or check(flag(rule, "one", "two")), "what can be seen in the definition is refused"


def test_a_share_needs_somebody_to_belong_to() -> None:
    rule = {"fractional": [["one", 1], ["two", 1]]}
    for context in ({}, {"targetingKey": None}, {"targetingKey": 7}, {"targetingKey": ""}):
        assert served(rule, context, "one", "two") == "default", "as in flagd: no error, no share"


def test_negative_weights_count_as_nothing() -> None:
    rule = {"fractional": [{"var": "targetingKey"}, ["one", {"var": "weight"}], ["two", 100]]}
    for key in ("a", "b", "c", "d"):
        assert served(rule, {"targetingKey": key, "weight": -50}, "one", "two") == "two"


def test_shares_are_as_large_as_their_weights_and_stay_when_others_grow() -> None:
    flags = FlagSet({"small": flag({"fractional": [["on", 1], ["off", 99]]}, "on", "off"),
                     "fine": flag({"fractional": [["on", 1], ["off", 999]]}, "on", "off")})  # fmt: skip
    people = [f"user-{number}" for number in range(40_000)]
    for key, share in (("small", 0.01), ("fine", 0.001)):
        counted = Counter(flags.evaluate(key, "", {"targetingKey": person}).variant for person in people)
        assert abs(counted["on"] - share * len(people)) < 4 * (share * len(people)) ** 0.5, counted
    before = {p for p in people if served_in(p, 10)}
    after = {p for p in people if served_in(p, 20)}
    assert before < after, "who was in stays in when the first share grows"


def served_in(person: str, percent: int) -> bool:
    rule = {"fractional": [["on", percent], ["off", 100 - percent]]}
    flags = PERCENT.setdefault(percent, FlagSet({"rollout": flag(rule, "on", "off")}))
    return flags.evaluate("rollout", "", {"targetingKey": person}).variant == "on"


PERCENT: dict[int, FlagSet] = {}


def test_any_text_can_be_bucketed_by() -> None:
    rule = {"fractional": [{"var": "key"}, ["one", 1], ["two", 1]]}
    for key in ("", "ü€😀", "\ud800", "x" * 100_000):
        assert served(rule, {"key": key}, "one", "two") in ("one", "two")


START, END = 1_000_000, 2_000_000


@pytest.mark.parametrize(
    ("now", "share"), [(0, 0), (START, 0), (1_250_000, 0.25), (1_900_000, 0.9), (END, 1), (END * 2, 1)]
)
def test_a_rollout_takes_more_and_more_with_time(now: int, share: float) -> None:
    flags = FlagSet({"new": flag({"rollout": [START, END, "old", "new"]}, "old", "new")}, clock=lambda: now)
    counted = Counter(flags.evaluate("new", "", {"targetingKey": f"user-{n}"}).variant for n in range(4_000))
    assert abs(counted["new"] - share * 4_000) <= 150, counted
    assert counted["new"] + counted["old"] == 4_000


def test_a_rollout_has_a_short_and_a_keyed_form() -> None:
    assert served({"rollout": [START, END, "new"]}, {"targetingKey": "x"}, "new", now=END) == "new"
    assert served({"rollout": [START, END, "new"]}, {"targetingKey": "x"}, "new", now=START) == "default"
    keyed = {"rollout": [{"var": "email"}, START, END, "old", "new"]}
    assert served(keyed, {"email": "x"}, "old", "new", now=END) == "new"
    assert served({"rollout": [{"var": "email"}, START, END, "new"]}, {"email": "x"}, "new", now=END) == "new"
    for wrong in ([START, END], [END, START, "new"], ["x", END, "new"], [START, True, "new"]):
        assert served({"rollout": wrong}, {"targetingKey": "x"}, "new", now=END) == "default"


@pytest.mark.parametrize(
    ("version", "test", "target", "expected"),
    [
        ("2.0.0", "=", "2.0.0", True),
        ("2.0.0", "!=", "2.0.0", False),
        ("2.1.0", ">", "2.0.0", True),
        ("1.9.0", "<", "2.0.0", True),
        ("1.10.0", ">", "1.9.0", True),
        ("2.0.0-alpha", "<", "2.0.0", True),
        ("1.0.0-alpha", "<", "1.0.0-alpha.1", True),
        ("1.0.0-alpha.1", "<", "1.0.0-alpha.beta", True),
        ("1.0.0-beta.2", "<", "1.0.0-beta.11", True),
        ("1.0.0-rc.1", ">=", "1.0.0-beta.11", True),
        ("1.0.0+other", "=", "1.0.0+build", True),
        ("v1.0.0", "=", "1.0.0", True),
        ("1.0.0", "=", "v1", True),
        ("1.5", "^", "1", True),
        ("2.0.0", "^", "1", False),
        ("3.0.1", "~", "3.0.0", True),
        ("3.1.0", "~", "3.0.0", False),
        ("1.2.3", "<=", "1.2.3", True),
        ("2.0.0.0", "=", "2.0.0", None),
        ("01.0.0", "=", "1.0.0", None),
        ("1-alpha", "=", "1.0.0", None),
        ("not-a-version", "=", "1.0.0", None),
        ("1.0.0\n", "=", "1.0.0", None),
        (1, "=", "1.0.0", None),
        ("1.0.0", "===", "1.0.0", None),
        ("1.0.0", "=", None, None),
        ("1.0.0" + "0" * 300, "=", "1.0.0", None),
    ],
)
def test_versions_are_ordered_by_precedence(version: Any, test: str, target: Any, expected: bool | None) -> None:
    wanted = "default" if expected is None else str(expected).lower()
    context = {"version": version, "test": test, "target": target}
    rule = {"sem_ver": [{"var": "version"}, test, target]}
    computed = {"sem_ver": [{"var": "version"}, {"var": "test"}, {"var": "target"}]}
    assert served(rule, context, "true", "false") == wanted
    assert served(computed, context, "true", "false") == wanted, "also when the target is a rule"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"starts_with": [{"var": "id"}, "abc"]}, "true"),
        ({"ends_with": [{"var": "id"}, "abc"]}, "false"),
        ({"ends_with": [{"var": "id"}, "xyz"]}, "true"),
        ({"starts_with": [{"var": "num"}, "1"]}, "default"),
        ({"ends_with": ["xyz"]}, "default"),
        ({"==": [{"lower": [{"var": "Mail"}]}, "ada@example.com É"]}, "true"),
        ({"==": [{"upper": {"var": "id"}}, "ABCXYZ"]}, "true"),
        ({"lower": {"var": "num"}}, "default"),
        ({"upper": ["a", "b"]}, "default"),
        ({"sem_ver": ["1.0.0", "="]}, "default"),
    ],
)
def test_texts_compare_as_in_flagd_and_wrong_arguments_are_null(rule: Any, expected: str) -> None:
    context = {"id": "abcxyz", "num": 123, "Mail": "Ada@Example.com É"}
    assert served(rule, context, "true", "false") == expected


def test_flagd_knows_which_flag_it_is_and_what_time() -> None:
    rule = {"if": [{"<": [{"var": "$flagd.timestamp"}, 100]}, {"var": "$flagd.flagKey"}, None]}
    flags = FlagSet({"early": flag(rule, "early")}, clock=lambda: 99.9)
    assert flags.evaluate("early", "", {"$flagd": {"timestamp": 500}}).reason is Reason.TARGETING_MATCH
