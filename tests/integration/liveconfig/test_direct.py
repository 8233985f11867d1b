"""A pod that follows Redis and PostgreSQL by itself, on real ones with TLS, each of them away in turn."""

import os
import time
from pathlib import Path

from liveconfig import LiveConfig, Reason, Status
from tests.integration.liveconfig.parts import World, wait_for


def ready(config: LiveConfig) -> bool:
    return config.wait_ready(30)


def stale(config: LiveConfig) -> bool:
    return wait_for(lambda: config.health.status == Status.STALE)


def test_a_change_is_seen_without_a_restart(world: World, ours: int) -> None:
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config), config.health
        world.change(ours, {"ai/threshold": 0.25})
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.25), "the hint must bring the value"
        before = config.details("ai/threshold", 0.0)
        assert (before.reason, before.stale) == (Reason.OWN, False)
        world.change(ours, {"ai/threshold": 0.75})
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.75)
        assert config.details("ai/threshold", 0.0).version == before.version + 1, "each change counts one"


def test_the_platforms_default_shows_where_the_organization_set_nothing(world: World, ours: int) -> None:
    world.change(0, {"email/max_retries": 3})
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config)
        assert config.details("email/max_retries", 0).reason == Reason.PLATFORM
        world.change(ours, {"email/max_retries": 9})
        assert wait_for(lambda: config.get("email/max_retries", 0) == 9), "the organization's own is above"
        world.change(ours, {"email/max_retries": None})
        assert wait_for(lambda: config.get("email/max_retries", 0) == 3), "unset: the platform's shows again"
        world.change(0, {"email/max_retries": None})
        assert wait_for(lambda: config.get("email/max_retries", 7) == 7), "nobody sets it: the code's default"


def test_settings_of_one_transaction_are_seen_together(world: World, ours: int) -> None:
    world.change(ours, {"pair/one": 0, "pair/two": 0})
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config)
        seen: set[tuple[int, int]] = set()

        def look(_: object) -> None:
            view = config.snapshot()
            seen.add((view.get("pair/one", -1), view.get("pair/two", -1)))

        config.on_change("pair", look)
        for number in range(1, 21):
            world.change(ours, {"pair/one": number, "pair/two": number})
        assert wait_for(lambda: config.get("pair/two", -1) == 20)
        assert all(one == two for one, two in seen), f"half a change set was seen: {seen}"


def test_a_foreign_organizations_settings_are_never_seen(world: World, ours: int, foreign: int) -> None:
    world.change(foreign, {"ai/secret_plan": "theirs"})
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config)
        assert config.get("ai/secret_plan", "nothing") == "nothing"


def test_redis_killed_and_restarted(world: World, ours: int) -> None:
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config)
        world.redis.kill()
        assert stale(config), "without hints what is held may be old"
        assert "Redis" in config.health.reason
        world.change(ours, {"ai/threshold": 0.11}, hint=False)
        world.redis.start()
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.11), "a reconnect compares everything"
        assert ready(config)
        world.change(ours, {"ai/threshold": 0.12})
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.12), "and hints are heard again"


def test_redis_away_at_start(world: World, ours: int) -> None:
    world.change(ours, {"ai/threshold": 0.31})
    world.redis.kill()
    with LiveConfig(world.direct(ours)) as config:
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.31), "the database alone is enough to start"
        assert config.health.status == Status.STALE
        world.redis.start()
        assert ready(config)


def test_the_database_away_at_start(world: World, ours: int, tmp_path: Path) -> None:
    world.gateway.cut()
    bootstrap = tmp_path / "bootstrap.json"
    bootstrap.write_text('{"ai/threshold": 0.99}')
    with LiveConfig(world.direct(ours)) as bare, LiveConfig(world.direct(ours, bootstrap=bootstrap)) as prepared:
        assert wait_for(lambda: "PostgreSQL" in bare.health.reason)
        assert (bare.get("ai/threshold", 0.4), bare.health.status) == (0.4, Status.NOT_READY)
        assert (prepared.get("ai/threshold", 0.4), prepared.health.status) == (0.99, Status.STALE)
        assert prepared.details("ai/threshold", 0.4).reason == Reason.BOOTSTRAP
        world.change(ours, {"ai/threshold": 0.32})
        world.gateway.mend()
        assert ready(bare) and ready(prepared)
        assert bare.get("ai/threshold", 0.4) == prepared.get("ai/threshold", 0.4) == 0.32


def test_the_database_away_later_is_noticed_at_once_and_nothing_is_missed(world: World, ours: int) -> None:
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config)
        world.gateway.cut()
        assert stale(config), "an idle connection that ends is noticed"
        world.change(ours, {"ai/threshold": 0.33}, hint=False)
        world.gateway.mend()
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.33), "nobody had to give a hint"
        assert ready(config)


def test_a_start_from_the_cache_while_everything_is_away(world: World, ours: int, tmp_path: Path) -> None:
    world.change(ours, {"ai/threshold": 0.41})
    settings = world.direct(ours, cache=tmp_path / "cache.json")
    with LiveConfig(settings) as config:
        assert ready(config)
    world.gateway.cut()
    world.redis.kill()
    assert (tmp_path / "cache.json").stat().st_mode & 0o077 == 0, "settings are nobody else's"
    with LiveConfig(settings) as config:
        assert config.details("ai/threshold", 0.0).value == 0.41
        assert config.health.status == Status.STALE


def test_a_raised_epoch_replaces_everything_even_by_lower_versions(world: World, ours: int) -> None:
    world.change(ours, {"epochs/kept": 1, "epochs/lost": 1})
    world.change(ours, {"epochs/kept": 2})
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config)
        high = config.details("epochs/kept", 0).version
        world.execute("alter table tenancy.service_configs disable trigger user")
        world.execute("delete from tenancy.service_configs where org_id = %s and key = 'lost'", ours)
        world.execute("update tenancy.service_configs set value = '7', version = 1 where key = 'kept'")
        world.execute("alter table tenancy.service_configs enable trigger user")
        world.execute("update tenancy.config_epoch set epoch = epoch + 1")
        world.change(ours, {"epochs/other": 1})
        assert wait_for(lambda: config.get("epochs/kept", 0) == 7), "another history counts again"
        assert config.details("epochs/kept", 0).version < high
        assert config.get("epochs/lost", 0) == 0, "what that history does not have is gone"


def test_a_child_process_follows_by_itself(world: World, ours: int) -> None:
    with LiveConfig(world.direct(ours)) as config:
        assert ready(config)
        child = os.fork()
        if child == 0:
            os._exit(0 if wait_for(lambda: config.get("ai/threshold", 0.0) == 0.51) else 1)
        time.sleep(1)
        world.change(ours, {"ai/threshold": 0.51})
        assert wait_for(lambda: config.get("ai/threshold", 0.0) == 0.51), "the parent's connections must live on"
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child must see the change too"
        assert config.health.status == Status.READY
