"""What every kind's handler has in common: typed inputs, and the four things that can happen to a resource."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from cluster.api import ClusterApi
from database.pool import Database
from liveconfig.acl import PodUsers
from provider.wire import Plain


class ProviderError(Exception):
    """The provider was asked for something it does not have, or was not configured."""


class Inputs(BaseModel):
    """Base of each kind's inputs, as they come over the wire."""

    model_config = ConfigDict(extra="forbid", frozen=True)


InputsT = TypeVar("InputsT", bound=Inputs)


@dataclass(frozen=True)
class Backends:
    """What handlers work on: the API server, the database and Redis's users, each as the platform's own identity.

    State of earlier versions names no Redis to destroy what they have made.
    """

    cluster: ClusterApi
    database: Database
    users: PodUsers | None = None


class Handler(ABC, Generic[InputsT]):
    """One kind of resource. Outputs are plain values that are stored beside the inputs; `secrets` encrypted.

    Inputs of `replace_on` make it anew when they change; those of `at_creation` count then and never again.

    Every method may be called again after a run that was killed at any point: each finds its own earlier work.
    """

    kind: ClassVar[str]
    inputs: type[InputsT]
    replace_on: ClassVar[frozenset[str]] = frozenset()
    at_creation: ClassVar[frozenset[str]] = frozenset()
    secrets: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, backends: Backends) -> None:
        self.cluster, self.database, self.users = backends.cluster, backends.database, backends.users

    async def refusals(self, wanted: InputsT, known: Plain) -> dict[str, str]:
        """Why the inputs cannot be deployed on what is live, by property; previews ask too. `known`: the old inputs."""
        return {}

    @abstractmethod
    async def create(self, wanted: InputsT) -> tuple[str, Plain]:
        """Make it; return its id and outputs."""

    @abstractmethod
    async def read(self, resource_id: str, known: InputsT, outputs: Plain) -> Plain | None:
        """Inputs and outputs as they really are, or None if it is gone."""

    @abstractmethod
    async def update(self, resource_id: str, wanted: InputsT, outputs: Plain) -> Plain:
        """Change it in place; return its outputs."""

    @abstractmethod
    async def delete(self, resource_id: str, known: InputsT, outputs: Plain) -> None:
        """Remove it; gone already is fine."""

    def split(self, state: Plain) -> tuple[InputsT, Plain]:
        """Separate a stored state into inputs and outputs."""
        names = self.inputs.model_fields
        values: dict[str, Any] = {key: value for key, value in state.items() if key in names}
        return self.inputs(**values), {key: value for key, value in state.items() if key not in names}
