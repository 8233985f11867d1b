"""One small class for each server of the plane: its files, its command, how it says that it is ready.

What belongs here: what is particular to one server. What never does: starting and stopping (``supervisor``),
and knowing which others exist; a server names those it needs by name only.
"""

from localplane.servers.api import Api
from localplane.servers.apiserver import ApiServer
from localplane.servers.base import Ground, Server
from localplane.servers.controllers import ControllerManager
from localplane.servers.etcd import Etcd
from localplane.servers.oauth2_proxy import OAuth2Proxy
from localplane.servers.postgres import Postgres
from localplane.servers.redis import Redis
from localplane.servers.relay import Relay

#: The servers of each thing that can be named on purpose instead, in the order in which they start.
CLUSTER: tuple[type[Server], ...] = (Etcd, ApiServer, ControllerManager)
DATABASE: tuple[type[Server], ...] = (Postgres,)
CHANNEL: tuple[type[Server], ...] = (Redis,)
ALL: tuple[type[Server], ...] = (*CLUSTER, *DATABASE, *CHANNEL)
#: What needs the schema, and so is started on its own when the catalog is deployed.
SERVED: tuple[type[Server], ...] = (Api, Relay, OAuth2Proxy)
#: What may run, and is stopped.
EVERYTHING: tuple[type[Server], ...] = (*ALL, *SERVED)

__all__ = [
    "ALL", "CHANNEL", "CLUSTER", "DATABASE", "EVERYTHING", "SERVED", "Api", "ApiServer", "ControllerManager", "Etcd",
    "Ground", "OAuth2Proxy", "Postgres", "Redis", "Relay", "Server",
]  # fmt: skip
