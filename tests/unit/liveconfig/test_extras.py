"""The extras: OpenFeature, Prometheus and FastAPI over a client without servers; and an installation without any."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from prometheus_client import CollectorRegistry, generate_latest

from liveconfig import LiveConfig, Settings, View
from liveconfig.fastapi import per_request
from liveconfig.health import READY, Health, Status
from liveconfig.measures import MOST_SETTINGS
from liveconfig.metrics import LiveConfigCollector
from liveconfig.openfeature import LiveConfigProvider
from tests.unit.liveconfig.test_client import OURS, Pushes

ROOM = Path(__file__).resolve().parents[3] / "liveconfig"
FLAG = {
    "state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off",
    "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "on", None]},
}  # fmt: skip


@pytest.fixture
def config() -> Iterator[LiveConfig]:
    with LiveConfig(Settings(OURS)) as offline:
        yield offline


@pytest.fixture
def flags(config: LiveConfig) -> Iterator[OpenFeatureClient]:
    Pushes(config)({"features/dark_mode": FLAG})
    api.set_provider_and_wait(LiveConfigProvider(config, timeout=0.1))
    yield api.get_client()
    api.shutdown()
    api.clear_providers()


def test_openfeature_evaluates_here(flags: OpenFeatureClient) -> None:
    details = flags.get_boolean_details("dark_mode", False, EvaluationContext("ada", {"plan": "pro"}))
    assert (details.value, details.variant, details.reason) == (True, "on", "TARGETING_MATCH")
    assert flags.get_boolean_value("dark_mode", True, EvaluationContext("ada", {"plan": "free"})) is False
    missing = flags.get_string_details("nothing", "otherwise")
    assert (missing.value, missing.error_code and missing.error_code.value) == ("otherwise", "FLAG_NOT_FOUND")


def test_openfeature_hears_of_changes_and_health(config: LiveConfig, flags: OpenFeatureClient) -> None:
    heard = list[tuple[str, Any]]()

    def hear(event: ProviderEvent) -> None:
        flags.add_handler(event, lambda details: heard.append((event.name, _said(details))))

    hear(ProviderEvent.PROVIDER_STALE)
    hear(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    config._core.say(Health(Status.STALE, "Redis is away"))
    config._core.say(READY)
    with config.override({"features/dark_mode": {**FLAG, "defaultVariant": "on"}}):
        pass
    assert ("PROVIDER_STALE", "Redis is away") in heard
    assert ("PROVIDER_CONFIGURATION_CHANGED", ["dark_mode"]) in heard


def _said(details: EventDetails) -> object:
    return details.flags_changed or details.message


def test_prometheus_sees_versions_of_so_many_settings_at_most(config: LiveConfig) -> None:
    push, registry = Pushes(config), CollectorRegistry()
    registry.register(LiveConfigCollector(config))
    push({"ai/threshold": 0.5})
    shown = generate_latest(registry).decode()
    assert f'config_version{{key="threshold",org_id="{OURS}",service="ai"}} 1.0' in shown
    assert "config_applied_seconds_count 1.0" in shown
    assert "config_stale_seconds 0.0" in shown
    push({f"many/key{number}": number for number in range(2 * MOST_SETTINGS)})
    assert generate_latest(registry).decode().count("config_version{") == MOST_SETTINGS


def test_a_request_has_one_view_however_often_it_asks(config: LiveConfig) -> None:
    push, app = Pushes(config), FastAPI()
    settings = per_request(config)

    def used(view: Annotated[View, Depends(settings, use_cache=False)]) -> float:
        push({"ai/threshold": view.get("ai/threshold", 0.0) + 1})
        return view.get("ai/threshold", 0.0)

    again = Annotated[View, Depends(settings, use_cache=False)]

    @app.get("/")
    def answer(first: Annotated[float, Depends(used)], view: again) -> list[float]:  # type: ignore[valid-type]
        return [first, view.get("ai/threshold", 0.0)]  # type: ignore[attr-defined]

    push({"ai/threshold": 1.0})
    client = TestClient(app)
    assert client.get("/").json() == [1.0, 1.0], "what changed in between is the next request's"
    assert client.get("/").json() == [2.0, 2.0]


@pytest.mark.timeout(300)
def test_it_installs_into_an_empty_environment_and_needs_no_extra(tmp_path: Path) -> None:
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", ROOM, source], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    command = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python, source]
    subprocess.run(command, check=True, cwd=tmp_path)
    program = """if True:
        import importlib.util
        assert not [name for name in ("redis", "psycopg", "fastapi", "openfeature") if importlib.util.find_spec(name)]
        from liveconfig import LiveConfig, NotConfigured, Settings
        import liveconfig.relay, liveconfig.flags
        with LiveConfig(Settings(7)) as config:
            assert config.get("ai/threshold", 0.5) == 0.5
        try:
            LiveConfig(Settings(7, redis_url="rediss://a", database_url="postgresql://a"))
        except NotConfigured as error:
            assert "agent-ready-liveconfig[postgresql]" in str(error)
        else:
            raise AssertionError("the missing extra was not named")
    """
    subprocess.run([python, "-c", program], check=True, cwd=tmp_path)
