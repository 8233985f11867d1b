"""What a developer sees: values and details, models, callbacks, overrides, files; without any server."""

import dataclasses
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from liveconfig import Changed, LiveConfig, NotConfigured, Reason, Settings, Status, of_service
from liveconfig.health import READY
from liveconfig.snapshot import PLATFORM, Change, Entry, State

OURS = 7


@of_service("ai")
@dataclass(frozen=True)
class Ai:
    threshold: float = 0.5
    model: Literal["small", "large"] = "small"
    stops: list[str] = field(default_factory=list)
    retries: int | None = field(default=None, metadata={"key": "max-retries"})

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError("threshold is between 0 and 1")


@pytest.fixture
def config() -> Iterator[LiveConfig]:
    with LiveConfig(Settings(OURS)) as offline:
        yield offline


class Pushes:
    """What a relay would push."""

    def __init__(self, config: LiveConfig) -> None:
        self._core, self._revisions = config._core, {OURS: 0, PLATFORM: 0}

    def __call__(self, values: Mapping[str, Any], org_id: int = OURS) -> None:
        before, revision = dict(self._revisions), self._revisions[org_id] + 1
        self._revisions[org_id] = revision
        entries = {name: Entry(value, revision, revision) for name, value in values.items()}
        others = [Change(org, since, since, {}) for org, since in before.items() if org != org_id]
        self._core.advance(State(1, (Change(org_id, before[org_id], revision, entries), *others)), 0.002)
        self._core.say(READY)


@pytest.fixture
def push(config: LiveConfig) -> Pushes:
    return Pushes(config)


def test_nobody_set_it_the_default_is_given(config: LiveConfig) -> None:
    assert config.get("ai/threshold", 0.5) == 0.5
    details = config.details("ai/threshold", 0.5)
    assert (details.value, details.version, details.reason, details.stale) == (0.5, 0, Reason.DEFAULT, True)
    assert config.health.status == Status.NOT_READY


def test_details_say_whose_a_value_is(config: LiveConfig, push: Pushes) -> None:
    push({"ai/threshold": 0.1}, PLATFORM)
    assert config.details("ai/threshold", 0.5).reason == Reason.PLATFORM
    push({"ai/threshold": 0.2})
    details = config.details("ai/threshold", 0.5)
    assert (details.value, details.version, details.reason, details.stale) == (0.2, 1, Reason.OWN, False)


@pytest.mark.parametrize(
    ("value", "default", "given"),
    [
        (1, 0.5, 1.0),
        (3.0, 7, 3),
        (3.5, 7, 7),
        (True, 7, 7),
        (1, False, False),
        ("x", 0.5, 0.5),
        (0.5, "x", "x"),
        ([1], [], [1]),
        ({"a": 1}, [], []),
        ("x", None, "x"),
    ],
)
def test_a_value_comes_in_the_defaults_type_or_not_at_all(
    config: LiveConfig, push: Pushes, value: Any, default: Any, given: Any
) -> None:
    push({"ai/x": value})
    found = config.get("ai/x", default)
    assert (found, type(found)) == (given, type(given))
    mismatch = given is default or (given == default and type(given) is type(value) is not type(default))
    if mismatch and value != default:
        assert config.details("ai/x", default).reason == Reason.TYPE_MISMATCH
        assert config.measures.invalid_values["ai/x"] > 0, "it is counted"


def test_what_one_request_does_to_a_list_is_not_seen_by_the_next(config: LiveConfig, push: Pushes) -> None:
    push({"ai/stops": ["a"]})
    config.get("ai/stops", list[str]()).append("b")
    assert config.get("ai/stops", list[str]()) == ["a"]


def test_a_snapshot_stays_while_settings_change(config: LiveConfig, push: Pushes) -> None:
    push({"ai/threshold": 0.1, "ai/model": "small"})
    request = config.snapshot()
    push({"ai/threshold": 0.2, "ai/model": "large"})
    assert (request.get("ai/threshold", 0.0), request.model(Ai).model) == (0.1, "small")
    assert (config.get("ai/threshold", 0.0), config.model(Ai).model) == (0.2, "large")


def test_a_model_has_the_services_settings(config: LiveConfig, push: Pushes) -> None:
    assert config.model(Ai) == Ai()
    push({"ai/threshold": 1, "ai/model": "large", "ai/stops": ["x"], "ai/max-retries": 3, "ai/unknown": True})
    assert config.model(Ai) == Ai(1.0, "large", ["x"], 3)


def test_an_invalid_value_keeps_the_last_good_one_and_the_others_move(config: LiveConfig, push: Pushes) -> None:
    push({"ai/threshold": 0.7})
    assert config.model(Ai).threshold == 0.7
    push({"ai/threshold": "high", "ai/model": "large"})
    assert config.model(Ai) == Ai(0.7, "large")
    assert config.measures.invalid_values["ai/threshold"] == 1


def test_values_that_the_class_refuses_together_keep_all_of_the_last_good_ones(
    config: LiveConfig, push: Pushes, caplog: pytest.LogCaptureFixture
) -> None:
    push({"ai/threshold": 0.7})
    assert config.model(Ai).threshold == 0.7
    push({"ai/threshold": 7.0, "ai/model": "large"})
    assert config.model(Ai) == Ai(0.7, "small")
    assert "threshold is between 0 and 1" in caplog.text


def test_a_model_that_cannot_be_relied_on_is_refused_where_it_is_written() -> None:
    with pytest.raises(NotConfigured, match="has no default"):
        of_service("ai")(dataclasses.make_dataclass("Bare", [("threshold", float)], frozen=True))
    with pytest.raises(NotConfigured, match="no frozen dataclass"):
        of_service("ai")(dataclasses.make_dataclass("Open", [("threshold", float, 0.5)]))


def test_a_callback_hears_of_its_setting_or_service_only(config: LiveConfig, push: Pushes) -> None:
    one, service = list[Changed](), list[str]()
    end = config.on_change("ai/threshold", one.append)
    config.on_change("ai", lambda change: service.append(change.name))
    push({"ai/threshold": 0.1, "email/retries": 1})
    push({"ai/threshold": 0.1, "ai/model": "large"})
    assert one == [Changed("ai/threshold", 0.1, None, 1)], "the same value again is no change"
    assert service == ["ai/threshold", "ai/model"]
    end()
    push({"ai/threshold": 0.9})
    assert len(one) == 1


def test_a_callback_that_fails_harms_nobody(config: LiveConfig, push: Pushes, caplog: pytest.LogCaptureFixture) -> None:
    heard = list[Changed]()
    config.on_change("ai", lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    config.on_change("ai", heard.append)
    with caplog.at_level(logging.ERROR):
        push({"ai/threshold": 0.1})
    assert len(heard) == 1
    assert "ZeroDivisionError" in caplog.text


def test_an_override_is_in_force_in_its_context_whatever_arrives(config: LiveConfig, push: Pushes) -> None:
    push({"ai/threshold": 0.1})
    with config.override({"ai/threshold": 0.9}):
        push({"ai/threshold": 0.2})
        with config.override({"ai/model": "large"}):
            assert config.model(Ai) == Ai(0.9, "large")
        details = config.details("ai/threshold", 0.0)
        assert (details.value, details.reason) == (0.9, Reason.OVERRIDE)
        seen = list[float]()
        thread = threading.Thread(target=lambda: seen.append(config.get("ai/threshold", 0.0)))
        thread.start()
        thread.join()
        assert seen == [0.9], "in other threads too"
    assert config.get("ai/threshold", 0.0) == 0.2


def test_a_flag_is_evaluated_over_the_snapshot(config: LiveConfig, push: Pushes) -> None:
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
    push({"features/dark-mode": flag})
    assert config.snapshot().flags.evaluate("dark-mode", False, {}, "boolean").value is True


def test_a_pod_starts_offline_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    path.write_text(json.dumps({"ai/threshold": 0.9}))
    with LiveConfig(Settings(OURS, bootstrap=path)) as config:
        assert config.details("ai/threshold", 0.1).reason == Reason.BOOTSTRAP
        assert config.health.status == Status.STALE
        Pushes(config)({"ai/model": "large"})
        assert config.get("ai/threshold", 0.1) == 0.1, "once the truth is known the file counts no more"


@pytest.mark.parametrize("content", ["", "[]", '{"threshold": 1}'])
def test_a_bootstrap_file_that_is_wrong_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "values.json"
    path.write_text(content)
    with pytest.raises(NotConfigured, match="LIVECONFIG_BOOTSTRAP="):
        LiveConfig(Settings(OURS, bootstrap=path))


@pytest.mark.parametrize(
    "content", ["", "{}", '{"state": {"epoch": 1, "seconds": null, "changes": [[9, 0, 1, {}]]}}', '{"state": 1}', "x"]
)
def test_a_cache_that_is_wrong_or_anothers_is_passed_by(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cache"
    path.write_text(content)
    with LiveConfig(Settings(OURS, cache=path)) as config:
        assert config.health.status == Status.NOT_READY


def test_the_last_good_state_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(OURS, cache=tmp_path / "cache")
    with LiveConfig(settings) as config:
        Pushes(config)({"ai/threshold": 0.8})
    with LiveConfig(settings) as config:
        assert (config.details("ai/threshold", 0.0).value, config.details("ai/threshold", 0.0).version) == (0.8, 1)


def test_closing_twice_and_reading_after_it_do_no_harm(config: LiveConfig, push: Pushes) -> None:
    push({"ai/threshold": 0.8})
    config.close()
    config.close()
    assert config.get("ai/threshold", 0.0) == 0.8
    assert not [thread for thread in threading.enumerate() if thread.name == "liveconfig"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "LIVECONFIG_ORG"),
        ({"LIVECONFIG_ORG": "x"}, "LIVECONFIG_ORG"),
        ({"LIVECONFIG_ORG": "7", "LIVECONFIG_RELAY": "nowhere"}, "LIVECONFIG_RELAY"),
        ({"LIVECONFIG_ORG": "7", "LIVECONFIG_RELAY": "a:1", "LIVECONFIG_CA_FILE": "/nowhere"}, "LIVECONFIG_CA_FILE"),
        ({"LIVECONFIG_ORG": "7", "LIVECONFIG_REDIS_URL": "rediss://a"}, "LIVECONFIG_DATABASE_URL"),
        ({"LIVECONFIG_ORG": "7", "LIVECONFIG_RECONCILE_SECONDS": "9-1"}, "9-1"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(NotConfigured, match=named):
        LiveConfig.from_env(given)


def test_no_secret_is_shown() -> None:
    shown = repr(Settings(OURS, password="hush", redis_url="rediss://u:hush@h", database_url="postgresql://u:hush@h"))
    assert "hush" not in shown
