"""Hooks: what happens after a resource was deployed. At most once, so only what is guaranteed elsewhere too.

A hook must not wait for a thread of the program's own: when an update fails, registrations that the engine no longer
answers hold all of them, the engine waits for the hook, and neither ever ends.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pulumi
import redis

from components.settings import Settings
from liveconfig.publisher import Publisher
from liveconfig.wire import Hint

_MOST_REGISTRATIONS = 8192  # at a time; a stack of fifty organizations has about a thousand


def give_registrations_threads() -> None:
    """Let every registration of this program wait in a thread of its own; a thread is made when it is needed.

    Pulumi's host gives four for each parallel operation. With a stack's fifty organizations registrations held all of
    them, the engine's workers waited for hooks, and a hook's call waited for a thread: until it timed out.
    """
    asyncio.get_event_loop().set_default_executor(ThreadPoolExecutor(_MOST_REGISTRATIONS, "pulumi-rpc"))


def publish_config_changes(settings: Settings, shared: Publisher | None = None) -> pulumi.ResourceHookBinding:
    """Announce an organization's changed settings over Redis, without waiting for the outbox's sweeper.

    `shared` is a publisher that stays connected, of a process that deploys many; else each hook has its own.
    """

    thread = ThreadPoolExecutor(1, "publish")

    async def publish(args: pulumi.ResourceHookArgs) -> None:
        outputs = args.new_outputs or {}
        hints = [_hint(int(outputs["org_id"]), change) for change in outputs.get("changes") or []]
        if not hints:
            return
        publisher = shared or connected_publisher(settings)
        try:
            await asyncio.get_running_loop().run_in_executor(thread, publisher.publish, hints)
        except redis.RedisError as error:
            pulumi.log.warn(f"{args.name}: Redis is away ({error}); the outbox publishes the change later")
        finally:
            if shared is None:
                publisher.close()

    hook = pulumi.ResourceHook("publish-config-changes", publish)
    return pulumi.ResourceHookBinding(after_create=[hook], after_update=[hook])


def connected_publisher(settings: Settings) -> Publisher:
    """A publisher to be `shared`; whoever asks for it closes it."""
    return Publisher(settings.redis_url, ca_file=settings.redis_ca_file)


def _hint(org_id: int, change: str) -> Hint:
    name, _, version = change.partition("=")
    service, _, key = name.partition("/")
    return Hint(org_id, service, key, int(version))
