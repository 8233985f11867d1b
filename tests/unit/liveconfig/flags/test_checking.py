"""What is refused when a flag is written: each problem names the place, the rule and the way out."""

from typing import Any

import pytest

from liveconfig.flags import check, check_evaluators, check_set

ON_OFF = {"on": True, "off": False}


def boolean(**parts: Any) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": ON_OFF, "defaultVariant": "off", **parts}


def targeting(rule: Any) -> dict[str, Any]:
    return boolean(targeting=rule)


@pytest.mark.parametrize(
    ("definition", "path", "part"),
    [
        (["on"], "", "a flag is an object with state and variants"),
        ({"variants": ON_OFF}, "state", "take ENABLED or DISABLED"),
        ({"state": "ENABLED"}, "variants", "name each value"),
        (boolean(variants={"on": True, "off": "false"}), "variants", "'on' boolean, 'off' string"),
        (boolean(variants={"on": True, "off": None}), "variants/off", "can be no variant's value"),
        (boolean(defaultVariant="of"), "defaultVariant", "take 'on' or 'off', or null for the code's default"),
        (boolean(defaultvariant="on"), "", "did you mean 'defaultVariant'?"),
        (targeting(["on"]), "targeting", "write an object"),
        (targeting({"iff": [True, "on"]}), "targeting", "did you mean 'if'?"),
        (targeting({"if": [{"and": [True, {"nope": 1}]}, "on"]}), "targeting/if/0/and/1", "'nope' is no operator"),
        (targeting({"if": [True, "purple"]}), "targeting", "gives 'purple', which is no variant; take 'on' or 'off'"),
        (targeting({"fractional": [["on", 1], ["of", 1]]}), "targeting", "gives 'of'"),
        (targeting({"if": [{"==": [1]}, "on"]}), "targeting/if/0", "== takes 2 arguments, not 1"),
        (targeting({"if": [{"<": [1, 2, 3, 4]}, "on"]}), "targeting/if/0", "< takes 2 to 3 arguments, not 4"),
        (targeting({"if": []}), "targeting", "if takes at least 1 arguments, not 0"),
        (targeting({"if": [{"a": 1, "b": 2}, "on"]}), "targeting/if/0", "a rule has one: its operator"),
        (targeting({"if": [{"var": "$flagd.key"}, "on"]}), "targeting/if/0/var", "there are $flagd.flagKey"),
        (
            targeting({"if": [{"sem_ver": [{"var": "v"}, "=>", "1.0.0"]}, "on"]}),
            "targeting/if/0/sem_ver",
            "take one of",
        ),
        (targeting({"if": [{"sem_ver": [{"var": "v"}, "=", "one"]}, "on"]}), "targeting/if/0/sem_ver", "such as 1.2.3"),
        (targeting({"if": [{"ends_with": [{"var": "v"}, 1]}, "on"]}), "targeting/if/0/ends_with", "1 is none"),
        (targeting({"fractional": [["on", 0.5], ["off", 99.5]]}), "targeting/fractional", "for 0.5 % take 1 and 199"),
        (targeting({"fractional": [["on", -1], ["off", 2]]}), "targeting/fractional", "no whole number from 0"),
        (targeting({"fractional": [["on", 0], ["off", 0]]}), "targeting/fractional", "the weights' sum is 0"),
        (
            targeting({"fractional": ["email", ["on", 1]]}),
            "targeting/fractional",
            "buckets everybody by the same 'email'",
        ),
        (targeting({"fractional": [["on", 1, 2]]}), "targeting/fractional", "a share is"),
        (targeting({"rollout": [1, 2]}), "targeting/rollout", "start, end"),
        (boolean(metadata=["x"]), "metadata", "is no object"),
        (boolean(metadata={"team": ["x"]}), "metadata/team", "no text, number or boolean"),
        (boolean(metadata={"expires": "soon"}), "metadata/expires", "write 2026-12-31"),
        (boolean(metadata={"fractional": "v1"}), "metadata/fractional", "take v3 or v2"),
        (boolean(prerequisites={"flag": "a"}), "prerequisites", 'write [{"flag": "other", "variant": "on"}]'),
        (boolean(prerequisites=[{"flag": "a", "variant": 1}]), "prerequisites", "write"),
        (boolean(prerequisites=[{"flag": "a", "variant": "on"}]), "prerequisites", "decide nothing without targeting"),
    ],
)
def test_a_problem_names_the_place_and_the_way_out(definition: Any, path: str, part: str) -> None:
    problems = check(definition, {})
    assert [p for p in problems if p.path == path and part in p.message], [str(p) for p in problems]


@pytest.mark.parametrize(
    "definition",
    [
        boolean(),
        boolean(defaultVariant=None),
        boolean(targeting={}),
        boolean(targeting={"if": [{"$ref": "anything"}, "on"]}),
        boolean(variants={"true": True, "false": False}, defaultVariant="false", targeting={"==": [1, {"var": "x"}]}),
        boolean(targeting={"fractional": [{"var": "email"}, ["on", 1], ["off", {"var": "weight"}]]}),
        boolean(targeting={"if": [True, "on"]}, prerequisites=[{"flag": "a", "variant": "on"}]),
        boolean(metadata={"expires": "2026-12-31", "team": "shop", "fractional": "v2"}),
        {**boolean(), "$comment": "kept", "source": "flagd.json", "owner": "shop"},
    ],
)
def test_a_good_definition_has_no_problem(definition: Any) -> None:
    assert check(definition) == []


def test_a_hostile_definition_is_refused_in_a_few_lines() -> None:
    definition = boolean(
        targeting={"and": [{f"operator-{n}": 1} for n in range(10_000)]}, variants={"x" * 10_000: True}
    )
    problems = check(definition)
    assert 0 < len(problems) <= 101 and sum(len(str(problem)) for problem in problems) < 50_000


def test_a_fatal_problem_is_not_lost_among_many() -> None:
    problems = check(boolean(targeting={"or": [*[{"==": [1]}] * 200, {"nope": 1}, {"nope": 2}]}))
    assert len(problems) == 101 and problems[-1].fatal, "the flag must not be evaluated without its unknown operator"


def test_shared_rules_are_checked_alone() -> None:
    assert check_evaluators({"adult": {">=": [{"var": "age"}, 18]}, "both": {"!": [{"$ref": "adult"}]}}) == []
    problems = {
        p.path: p.message for p in check_evaluators({"a": {"nope": 1}, "b": "text", "c": {"!": [{"$ref": "c"}]}})
    }
    assert "no operator" in problems["a"] and "is no rule" in problems["b"] and "circle" in problems["c/!/0/$ref"]
    assert check_evaluators(["no object"])


def test_a_set_is_checked_with_its_prerequisites() -> None:
    def needing(*needs: tuple[str, str]) -> dict[str, Any]:
        needs_ = [{"flag": flag, "variant": variant} for flag, variant in needs]
        return boolean(targeting={"if": [True, "on"]}, prerequisites=needs_)

    good = {"parent": boolean(), "child": needing(("parent", "on"))}
    assert check_set(good) == []
    bad = {
        "one": needing(("two", "on")),
        "two": needing(("three", "on")),
        "three": needing(("one", "on")),
        "lost": needing(("nobody", "on"), ("one", "purple")),
        "outside": needing(("one", "on")),
        "ref": targeting({"$ref": "nobody"}),
    }
    problems = check_set(bad, {"wrong": {"nope": 1}})
    circles = [problem.path for problem in problems if "circle" in problem.message]
    assert circles == ["one/prerequisites", "two/prerequisites", "three/prerequisites"], "not who only needs them"
    texts = "\n".join(map(str, problems))
    assert "there is no flag 'nobody'" in texts and "flag 'one' has no variant 'purple'" in texts
    assert "ref/targeting/$ref: there is no shared rule 'nobody'" in texts and "$evaluators/wrong: " in texts


def test_a_long_chain_of_prerequisites_is_checked_without_end_of_the_stack() -> None:
    chain = {
        str(n): boolean(targeting={"if": [True, "on"]}, prerequisites=[{"flag": str(n + 1), "variant": "on"}])
        for n in range(1_000)
    }
    assert [problem.path for problem in check_set(chain)] == ["999/prerequisites"]
