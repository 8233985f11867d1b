"""The provider itself: Pulumi's calls, dispatched to the handler of the resource's kind."""

import json
from pathlib import Path
from typing import Any

import pulumi.provider.experimental.provider as p
from pulumi.provider.experimental.property_value import PropertyValue
from pydantic import ValidationError

from cluster.api import ClusterApi
from database.pool import Database
from liveconfig.acl import PodUsers
from provider.claims import AdmissionProofHandler, IsolationGateHandler, NamespaceClaimHandler
from provider.handlers import Backends, Handler, ProviderError
from provider.logins import DatabaseLoginHandler
from provider.redis_users import RedisUserHandler
from provider.resources import CLEAR_LOGIN, PACKAGE
from provider.rows import ConfigDefaultsHandler, DatabaseSchemaHandler, OrganizationRowHandler
from provider.wire import Plain, has_unknown, plain, properties

VERSION = "0.1.0"
_HANDLERS: tuple[type[Handler[Any]], ...] = (
    DatabaseSchemaHandler,
    AdmissionProofHandler,
    OrganizationRowHandler,
    NamespaceClaimHandler,
    ConfigDefaultsHandler,
    DatabaseLoginHandler,
    RedisUserHandler,
    IsolationGateHandler,
)


class TenancyProvider(p.Provider):
    """Rows, claims and the gate. Safe for concurrent calls in one event loop."""

    def __init__(self, backends: Backends | None = None) -> None:
        self._handlers: dict[str, Handler[Any]] = _handlers(backends) if backends else {}

    async def get_schema(self, request: p.GetSchemaRequest) -> p.GetSchemaResponse:
        return p.GetSchemaResponse(json.dumps({"name": PACKAGE, "version": VERSION}))

    async def configure(self, request: p.ConfigureRequest) -> p.ConfigureResponse:
        if not has_unknown(request.args):
            settings = plain(request.args)
            self._handlers = _handlers(_backends(settings))
        return await super().configure(request)

    async def diff_config(self, request: p.DiffRequest) -> p.DiffResponse:
        """Another path or password is still the same provider: nothing is replaced for it."""
        return p.DiffResponse(changes=None)  # the SDK passes on what it gets here, and False is no kind of change

    async def check(self, request: p.CheckRequest) -> p.CheckResponse:
        failures: list[p.CheckFailure] = []
        if not has_unknown(request.new_inputs):
            try:
                handler = self._handler(request.type)
                wanted = handler.inputs(**plain(request.new_inputs))
                found = await handler.refusals(wanted, plain(request.old_inputs))
                failures = [p.CheckFailure(key, reason) for key, reason in found.items()]
            except ValidationError as invalid:
                failures = [p.CheckFailure(".".join(map(str, e["loc"])), e["msg"]) for e in invalid.errors()]
        return p.CheckResponse(inputs=_marked(request), failures=failures)

    async def diff(self, request: p.DiffRequest) -> p.DiffResponse:
        handler = self._handler(request.type)
        changed = [key for key, value in request.new_inputs.items() if _differs(request.old_state.get(key), value)]
        changed += [
            key for key in request.old_state if key in handler.inputs.model_fields and key not in request.new_inputs
        ]
        changed = [key for key in changed if key not in handler.at_creation]
        replaces = sorted(handler.replace_on.intersection(changed))
        update, replace = p.PropertyDiffKind.UPDATE, p.PropertyDiffKind.UPDATE_REPLACE
        return p.DiffResponse(
            changes=bool(changed),
            replaces=replaces,
            diffs=changed,
            delete_before_replace=True,
            detailed_diff={key: p.PropertyDiff(replace if key in replaces else update, True) for key in changed},
        )

    async def create(self, request: p.CreateRequest) -> p.CreateResponse:
        if request.preview:
            return p.CreateResponse("", request.properties)
        handler = self._handler(request.type)
        wanted = handler.inputs(**plain(request.properties))
        resource_id, outputs = await handler.create(wanted)
        return p.CreateResponse(resource_id, _sealed(handler, _state(wanted, outputs)))

    async def read(self, request: p.ReadRequest) -> p.ReadResponse:
        handler = self._handler(request.type)
        try:
            known, outputs = handler.split(plain(request.properties))
        except ValidationError as invalid:
            raise ProviderError(_not_importable(handler, request.resource_id)) from invalid
        state = await handler.read(request.resource_id, known, outputs)
        if state is None:
            return p.ReadResponse("")
        inputs = {key: value for key, value in state.items() if key in handler.inputs.model_fields}
        return p.ReadResponse(request.resource_id, _sealed(handler, state), _sealed(handler, inputs))

    async def update(self, request: p.UpdateRequest) -> p.UpdateResponse:
        handler = self._handler(request.type)
        _, outputs = handler.split(plain(request.olds))
        if request.preview:
            return p.UpdateResponse({**request.olds, **request.news})
        wanted = handler.inputs(**plain(request.news))
        done = await handler.update(request.resource_id, wanted, outputs)
        return p.UpdateResponse(_sealed(handler, _state(wanted, done)))

    async def delete(self, request: p.DeleteRequest) -> None:
        handler = self._handler(request.type)
        known, outputs = handler.split(plain(request.properties))
        await handler.delete(request.resource_id, known, outputs)

    async def invoke(self, request: p.InvokeRequest) -> p.InvokeResponse:
        handler = self._handler(DatabaseLoginHandler.kind)
        if request.tok != CLEAR_LOGIN or not isinstance(handler, DatabaseLoginHandler):
            raise ProviderError(f"{request.tok!r} is no function of this provider; it has {CLEAR_LOGIN}")
        await handler.clear(plain(request.args)["role_name"])
        return p.InvokeResponse({})

    def _handler(self, type_token: str) -> Handler[Any]:
        kind = type_token.rsplit(":", 1)[-1]
        if not self._handlers:
            raise ProviderError("the tenancy provider has no kubeconfig or database_url yet; configure it first")
        if kind not in self._handlers:
            raise ProviderError(f"{type_token!r} is no resource of this provider; it has {', '.join(self._handlers)}")
        return self._handlers[kind]


def _backends(settings: Plain) -> Backends:
    """The connections that the program names."""
    operator = settings.get("redis_operator_url")
    return Backends(
        ClusterApi(Path(settings["kubeconfig"])),
        Database(settings["database_url"]),
        PodUsers(operator, ca_file=settings.get("redis_ca_file")) if operator else None,
    )


def _handlers(backends: Backends) -> dict[str, Handler[Any]]:
    return {handler.kind: handler(backends) for handler in _HANDLERS}


def _not_importable(handler: Handler[Any], resource_id: str) -> str:
    """Why `pulumi import` cannot work: it knows the id alone."""
    needed = ", ".join(key for key, info in handler.inputs.model_fields.items() if info.is_required())
    return (
        f"{handler.kind} {resource_id!r} cannot be read by its id alone; reading needs {needed}. "
        "Do not import it: `pulumi up` of the program that has it finds what the same environment made and goes on. "
        "A namespace that somebody else made is imported by `adopt` in its organization's catalog file"
    )


def _marked(request: p.CheckRequest) -> dict[str, PropertyValue]:
    """The inputs, with those that are secret marked: what is not known yet comes without the program's mark."""
    kind = request.type.rsplit(":", 1)[-1]
    secrets = next((handler.secrets for handler in _HANDLERS if handler.kind == kind), frozenset())
    inputs = request.new_inputs.items()
    return {key: value.with_secret(value.is_secret or key in secrets) for key, value in inputs}


def _differs(old: Any, new: Any) -> bool:
    """Whether a property changed; a value that is not known yet counts as changed."""
    if old is None:
        return new.value is not None
    if has_unknown({"": new}):
        return True
    return plain({"": old}) != plain({"": new})


def _sealed(handler: Handler[Any], state: Plain) -> dict[str, PropertyValue]:
    """Property values of `state`, the handler's secrets marked, so that the engine encrypts them."""
    return {key: value.with_secret(key in handler.secrets) for key, value in properties(state).items()}


def _state(wanted: Any, outputs: Plain) -> Plain:
    return {**wanted.model_dump(), **outputs}
