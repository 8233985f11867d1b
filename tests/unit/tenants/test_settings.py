"""The declared settings: what each may hold, and that a refusal names the value, the rule and the way out."""

from typing import Any

import pytest

from tenants import settings
from tenants.declaration import Setting
from tenants.settings import check

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"


def test_every_declaration_is_whole_and_its_default_keeps_its_own_rule() -> None:
    for name, one in settings.declared().items():
        assert one.description and one.rule, name
        assert one.default is None or one.allows(one.default), f"{name}: the default breaks the rule"
        assert settings.NAME.fullmatch(name.replace("*", "any")), f"{name} can be a channel"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ai/threshold", 0), ("ai/threshold", 1), ("ai/threshold", 0.7), ("email/max_retries", 20),
        ("webhook/url", "https://hooks.example/x?a=b"), ("features/dark_mode", True), ("features/New-Flag.2", False),
        ("features/dark_mode", {"state": "ENABLED"}), ("features/evaluators", {}), ("api/rate_limit", 10000),
        ("email/is_paused", False), ("ai/model", "llama3:8b"), ("api/mode", "read-only"),
    ],
)  # fmt: skip
def test_a_value_that_keeps_the_rule_is_allowed(name: str, value: Any) -> None:
    assert check(name, value) == ()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ai/threshold", 1.5, "1.5 is not allowed for ai/threshold; it is a number from 0 to 1"),
        ("ai/threshold", True, "true is not allowed"), ("ai/threshold", "0.5", "\"0.5\" is not allowed"),
        ("ai/threshold", None, "null is not allowed"), ("email/max_retries", 3.0, "a whole number from 0 to 20"),
        ("email/max_retries", 21, "from 0 to 20"), ("features/dark_mode", "on", "true, false, or a flag definition"),
        ("features/evaluators", [], "a JSON object"), ("email/is_paused", 1, "true or false"),
        ("webhook/url", "http://hooks.example", "an address such as https://"),
        ("webhook/url", "https://", "an address"),
        ("webhook/url", "https://[x", "an address"), ("api/mode", "off", "one of normal, read-only, maintenance"),
        ("ai/model", "a b", "that matches"), ("ai/model", "x" * 101, "at most 100 characters"),
        ("ai/seed", float("nan"), "no number of JSON"), ("ai/system_prompt", "a\0b", "NUL"),
        ("features/x", {"a": [{"b": "\ud800"}]}, "half a character"), ("features/x", {"a": object()}, "quotes"),
        ("features/x", {"variants": {True: 1}}, "quotes"),
    ],
)  # fmt: skip
def test_a_value_that_breaks_it_is_refused_with_value_rule_and_way_out(name: str, value: Any, says: str) -> None:
    (problem,) = check(name, value)
    assert says in problem and name in problem


def test_depth_and_size_are_bounded() -> None:
    deep: Any = {}
    for _ in range(40):
        deep = {"a": deep}
    assert "deeper than 32" in check("features/evaluators", deep)[0]
    assert "large data" in check("features/evaluators", {"a": "x" * settings.LARGEST})[0]


@pytest.mark.parametrize("name", ["ai/threshhold", "ai/nothing", "web/url", "quota/pods"])
def test_what_is_not_declared_is_refused_with_what_may_be_meant(name: str) -> None:
    (problem,) = check(name, 1)
    assert "is not declared" in problem and "tenants/settings.yaml" in problem
    assert name != "ai/threshhold" or "did you mean ai/threshold?" in problem


@pytest.mark.parametrize("name", ["threshold", "ai/", "AI/x", "ai/x/y", "ai/x:y", "ai/*", "ai/x\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert "is no setting" in check(name, 1)[0]


@pytest.mark.parametrize(
    "name", ["ai/api_key", "webhook/signing_key", "email/smtp_password", "features/apiKey", "db/token", "secrets/x"]
)
def test_a_secret_is_refused_by_its_name_with_the_way_out(name: str) -> None:
    (problem,) = check(name, "x")
    assert "secret" in problem and "kubectl" in problem


@pytest.mark.parametrize("name", ["ai/max_tokens", "features/keyboard", "features/passage", "features/monkey_mode"])
def test_a_name_that_only_sounds_alike_is_no_secret(name: str) -> None:
    assert not any("secret" in problem for problem in check(name, True))


@pytest.mark.parametrize(
    "value",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMII", "postgres://ada:hunter2@db/x", JWT, f"Bearer {JWT}",
        "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a" * 36, "sk-proj-" + "a" * 20,
    ],
)  # fmt: skip
def test_a_secret_is_refused_by_its_looks_and_never_repeated(value: str) -> None:
    for name, given in (("ai/system_prompt", value), ("features/evaluators", {"a": [value]})):
        (problem,) = check(name, given)
        assert "looks like a secret" in problem and value not in problem


def test_a_secret_within_an_object_is_found_by_its_key() -> None:
    assert "`password`" in check("features/evaluators", {"smtp": {"password": "x"}})[0]
    assert check("features/evaluators", {"var": "token"}) == (), "a rule may speak of one"


def test_true_of_a_flag_is_short_for_the_flag_that_is_always_on() -> None:
    kept = settings.stored("features/x", True)
    assert (kept["state"], kept["defaultVariant"], kept["variants"]) == ("ENABLED", "on", {"on": True, "off": False})
    assert settings.stored("features/x", False)["defaultVariant"] == "off"
    assert settings.stored("email/is_paused", True) is True, "only of flags"


def test_defaults_hold_no_secret_and_nothing_that_the_platform_writes() -> None:
    found = settings.defaults()
    assert (found["ai/threshold"], found["email/max_retries"], found["webhook/url"]) == (0.5, 3, None)
    assert not {"ai/api_key", "quota/cpu", "features/*"} & found.keys()


def test_a_rule_is_said_in_words() -> None:
    assert Setting(type="integer", description="x", minimum=1, maximum=10000).rule == "a whole number from 1 to 10000"
