"""The hook hurries what the outbox guarantees: it publishes hints, and Redis being away only warns."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pulumi
import pytest
import redis

from components import hooks
from liveconfig.wire import Hint, WireError
from tests.unit.components.recording import ENVIRONMENT, record, settings_of_tests


class FakePublisher:
    """Keeps what was published; may be away."""

    made: list["FakePublisher"] = []  # noqa: RUF012 - cleared by the fixture
    away = False

    def __init__(self, url: str, *, ca_file: str | None = None) -> None:
        self.url, self.ca_file, self.published, self.closed = url, ca_file, list[Hint](), False
        FakePublisher.made.append(self)

    def publish(self, hints: Iterable[Hint]) -> int:
        if FakePublisher.away:
            raise redis.ConnectionError("connection refused")
        self.published.extend(hints)
        return len(self.published)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def publishers(monkeypatch: pytest.MonkeyPatch) -> list[FakePublisher]:
    monkeypatch.setattr(hooks, "Publisher", FakePublisher)
    monkeypatch.setattr(FakePublisher, "made", [])
    monkeypatch.setattr(FakePublisher, "away", False)
    return FakePublisher.made


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text: found.append(text))
    return found


def fire(outputs: dict[str, Any] | None) -> None:
    """Run the hook as the engine would after a resource came out with `outputs`."""
    settings = settings_of_tests()
    recording = record(lambda: hooks.publish_config_changes(settings))
    (hook,) = recording.hooks
    args = pulumi.ResourceHookArgs("urn", "7", "acme-configs", "tenancy:index:ConfigDefaults", new_outputs=outputs)
    done = hook.callback(args)
    assert asyncio.iscoroutine(done)
    asyncio.run(done)


def test_the_binding_fires_after_creation_and_after_updates_only(publishers: list[FakePublisher]) -> None:
    bindings: list[pulumi.ResourceHookBinding] = []
    settings = settings_of_tests()
    record(lambda: bindings.append(hooks.publish_config_changes(settings)))
    (binding,) = bindings
    assert [hook.name for hook in binding.after_create or []] == ["publish-config-changes"], (
        "a new organization's settings"
    )
    assert binding.after_create == binding.after_update, "and changed ones"
    assert not (binding.before_create or binding.before_update or binding.before_delete or binding.after_delete), (
        "a failing before-hook would stop the resource; a delete hook needs destroy --run-program"
    )


def test_changed_settings_are_published_as_hints(publishers: list[FakePublisher]) -> None:
    fire({"org_id": "7", "changes": ["ai/x=2", "web/y=1"]})
    (publisher,) = publishers
    assert publisher.published == [Hint(7, "ai", "x", 2), Hint(7, "web", "y", 1)], (
        "number, service, key, version: no value"
    )
    assert (publisher.url, publisher.ca_file) == (ENVIRONMENT["REDIS_URL"], ENVIRONMENT["REDIS_CA_FILE"]), (
        "to the configured Redis"
    )
    assert publisher.closed, "no connection is left open for the rest of the update"


@pytest.mark.parametrize(
    "outputs", [None, {}, {"org_id": "7", "changes": []}, {"org_id": "7", "changes": None}, {"org_id": "7"}]
)
def test_nothing_changed_means_that_redis_is_not_even_asked(
    publishers: list[FakePublisher], outputs: dict[str, Any] | None
) -> None:
    fire(outputs)
    assert publishers == [], "an update without changes needs no Redis"


def test_redis_being_away_only_warns_because_the_outbox_sends_later(
    publishers: list[FakePublisher], warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePublisher, "away", True)
    fire({"org_id": "7", "changes": ["ai/x=2"]})
    (warning,) = warnings
    assert warning == "acme-configs: Redis is away (connection refused); the outbox publishes the change later", (
        "and says so"
    )
    assert publishers[0].closed, "closed all the same"
    assert "p4ssw0rd" not in warning, "the URL's password stays out of the log"


def test_a_hint_that_cannot_be_written_is_a_mistake_of_ours_and_fails(publishers: list[FakePublisher]) -> None:
    with pytest.raises(WireError):
        fire({"org_id": "7", "changes": ["AI/x=2"]})
