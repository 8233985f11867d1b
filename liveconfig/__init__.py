"""Live configuration for customers' pods: the client library, the relay that serves it, and how changes are announced.

PostgreSQL holds the values; Redis only says "version N of this key exists". Nothing here imports the control plane.

    config = LiveConfig.from_env()
    config.get("ai/threshold", 0.5)     # in the next line of code after a change, without a restart

docs/liveconfig.md is for who writes a pod, docs/adr/0015 says how it works.
"""

from liveconfig.client import AsyncLiveConfig, LiveConfig
from liveconfig.core import Changed
from liveconfig.errors import LiveConfigError, NotConfigured
from liveconfig.health import Health, Status
from liveconfig.models import of_service
from liveconfig.settings import Settings
from liveconfig.view import Details, Reason, View

__all__ = [
    "AsyncLiveConfig",
    "Changed",
    "Details",
    "Health",
    "LiveConfig",
    "LiveConfigError",
    "NotConfigured",
    "Reason",
    "Settings",
    "Status",
    "View",
    "of_service",
]
