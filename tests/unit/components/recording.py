"""What a Pulumi program registers, recorded by Pulumi's own mocks: type, name, inputs, parent, order and options."""

import asyncio
import runpy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks, test
from pulumi.runtime.settings import SETTINGS

from components.settings import Settings
from tenants.model import Organization

MAIN = Path(__file__).parents[3] / "__main__.py"
ENVIRONMENT = {
    "PULUMI_KUBECONFIG": "/nowhere/kubeconfig",
    "PLATFORM_DATABASE_URL": "postgresql://platform:p4ssw0rd@nowhere/db",
    "REDIS_URL": "rediss://publisher:p4ssw0rd@nowhere:6380",
    "REDIS_OPERATOR_URL": "rediss://operator:p4ssw0rd@nowhere:6380",
    "REDIS_CA_FILE": str(Path(__file__).with_name("ca.pem")),
    "RELAY_ADDRESS": "relay.nowhere:8443",
}


@dataclass(frozen=True)
class Registered:
    """One resource. `parent`, `provider`, `depends_on` and `deleted_with` are names of resources, "" for none."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    provider: str
    depends_on: frozenset[str]
    deleted_with: str
    after_create: tuple[str, ...]
    after_update: tuple[str, ...]
    secrets: frozenset[str]
    protect: bool
    aliases: tuple[str, ...]


@dataclass
class Recording:
    """Everything that one run registered, in order, and the hooks that it made."""

    resources: list[Registered] = field(default_factory=list)
    hooks: list[pulumi.ResourceHook] = field(default_factory=list)
    outputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def named(self, name: str) -> Registered:
        """The one resource called `name`."""
        (found,) = [r for r in self.resources if r.name == name]
        return found

    def of_type(self, ending: str) -> list[Registered]:
        """Resources whose type ends in `ending`."""
        return [r for r in self.resources if r.type.endswith(ending)]

    def children(self, parent: str) -> list[Registered]:
        """Resources below `parent`."""
        return [r for r in self.resources if r.parent == parent]

    def reach(self, name: str) -> set[str]:
        """Everything that what is called `name` waits for, directly or not, and what its parents wait for."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            name = waiting.pop()
            for resource in [r for r in self.resources if r.name == name]:
                new = (resource.depends_on | {resource.parent}) - found - {"", name}
                found |= new
                waiting += new
        return found


class _Answers(Mocks):
    """Every resource gets an id and the outputs that only its provider knows."""

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        made = {
            "tenancy:index:OrganizationRow": {"operation_id": "op-1"},
            "tenancy:index:NamespaceClaim": {"uid": "uid-1"},
            "tenancy:index:DatabaseLogin": {"password": "of-the-login"},
        }
        return ("7" if args.typ.endswith("OrganizationRow") else f"{args.name}-id"), {
            **args.inputs,
            **made.get(args.typ, {}),
        }


class _Monitor(MockMonitor):
    def __init__(self, recording: Recording) -> None:
        super().__init__(_Answers())
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            self.recording.resources.append(_registered(request))
        with _event_loop():  # called in a worker thread
            return super().RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.recording.outputs.append(
            (_name(request.urn), dict(pulumi.runtime.rpc.deserialize_properties(request.outputs)))
        )
        return super().RegisterResourceOutputs(request)


@dataclass
class _Callbacks:
    """Stands for the engine's callback server: hooks are kept instead of served."""

    hooks: list[pulumi.ResourceHook]

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self.hooks.append(hook)


def record(program: Callable[[], object], *, preview: bool = False) -> Recording:
    """Run `program` against mocks and return what it registered."""
    recording = Recording()

    @test
    def run() -> None:
        program()

    with _event_loop():
        set_mocks(_Answers(), project="agent-ready-k8s", stack="dev", preview=preview, monitor=_Monitor(recording))
        SETTINGS.callbacks = _Callbacks(recording.hooks)  # type: ignore[assignment]
        run()
    return recording


def record_main(organizations: Sequence[Organization] | None = None) -> Recording:
    """Run `__main__.py`, for the committed catalog or for `organizations`, with the settings of ENVIRONMENT."""
    with _environment() as patch:
        if organizations is not None:
            patch.setattr("tenants.catalog.load_catalog", lambda folder: tuple(organizations))
        return record(lambda: runpy.run_path(str(MAIN)))


def settings_of_tests() -> Settings:
    """What the program reads from ENVIRONMENT."""
    found: list[Settings] = []
    with _environment():
        record(lambda: found.append(Settings.from_stack()))
    return found[0]


@contextmanager
def _environment() -> Iterator[pytest.MonkeyPatch]:
    """ENVIRONMENT, and no configuration that an earlier test left behind."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        pulumi.runtime.set_all_config({})
        yield patch


@contextmanager
def _event_loop() -> Iterator[None]:
    """Pulumi takes the thread's current loop, which asyncio.run has taken away, or leaves one behind unclosed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _registered(request: Any) -> Registered:
    inputs = pulumi.runtime.rpc.deserialize_properties(request.object, keep_unknowns=True)
    hooks = request.hooks
    return Registered(
        type=request.type,
        name=request.name,
        inputs={key: _open(value) for key, value in inputs.items()},
        parent=_name(request.parent),
        provider=_name(request.provider.rpartition("::")[0]),
        depends_on=_names(request.dependencies),
        deleted_with=_name(request.deletedWith),
        after_create=tuple(hooks.after_create),
        after_update=tuple(hooks.after_update),
        secrets=frozenset(key for key, value in inputs.items() if pulumi.runtime.rpc.is_rpc_secret(value)),
        protect=request.protect,
        aliases=tuple(alias.spec.name for alias in request.aliases if alias.spec.name),
    )


def _open(value: Any) -> Any:
    return value["value"] if pulumi.runtime.rpc.is_rpc_secret(value) else value


def _names(urns: Sequence[str]) -> frozenset[str]:
    return frozenset(map(_name, urns))


def _name(urn: str) -> str:
    """The last part of a URN; the stack itself is nobody's name."""
    return "" if "::pulumi:pulumi:Stack::" in urn else urn.rpartition("::")[2]
