"""What a developer sees of either client."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from liveconfig.core import Callback, Core
from liveconfig.health import Health
from liveconfig.measures import Measures
from liveconfig.view import Details, View

T = TypeVar("T")


class Reader:
    """Reads settings, from any thread. Nothing here blocks, and reading never raises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def get(self, name: str, default: T) -> T:
        """The value of `service/key` in the default's type; the default if nobody set it, or not in that type.

        An int is taken for a float, and 3.0 for an int; with the default None any type is.
        """
        return self._core.view.get(name, default)

    def details(self, name: str, default: T) -> Details[T]:
        """The same with its version, the reason for it, and whether a newer one may exist."""
        return self._core.view.details(name, default)

    def model(self, model: type[T]) -> T:
        """A service's settings as its dataclass (`liveconfig.of_service`), whatever is invalid as it last was.

        Raise NotConfigured if the class was not bound to a service.
        """
        return self._core.view.model(model)

    def snapshot(self) -> View:
        """All settings as they are now, and stay in it. Take one for each request."""
        return self._core.view

    def on_change(self, name: str, callback: Callback) -> Callable[[], None]:
        """Call back after a change of `service/key`, or of any key of `service`; the answer ends that.

        It runs where changes arrive, in the library's thread or the event loop: it should return at once. What it
        raises is logged.
        """
        return self._core.on_change(name, callback)

    def on_health(self, callback: Callable[[Health], None]) -> Callable[[], None]:
        """Call back when the health changes, in the same way; the answer ends that."""
        return self._core.on_health(callback)

    def override(self, values: Mapping[str, Any]) -> AbstractContextManager[None]:
        """For tests: these values, by `service/key`, are in force within the context, in all threads."""
        return self._core.override(values)

    @property
    def health(self) -> Health:
        """READY, STALE or NOT_READY, and why."""
        return self._core.health

    @property
    def measures(self) -> Measures:
        """What is measured of it; `liveconfig.metrics` shows it to Prometheus."""
        return self._core.measures
