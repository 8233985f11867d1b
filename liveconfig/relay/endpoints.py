"""What Prometheus and probes ask a relay, over plain HTTP on a port of its own: `/metrics`, `/healthz`, `/readyz`."""

import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from liveconfig.addresses import Address
from liveconfig.health import Health, Status
from liveconfig.relay.metrics import Metrics


class _Quiet(WSGIRequestHandler):
    timeout = 5  # seconds; one asks at a time

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


def answer_probes(address: Address, metrics: Metrics, health: Callable[[], Health]) -> WSGIServer:
    """Answer in a thread until `shutdown()`. Raise OSError if the address cannot be had."""
    render = make_wsgi_app(metrics.registry)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return render(environ, start)  # type: ignore[no-any-return]
        found = {"/healthz": (True, "alive"), "/readyz": _ready(health())}.get(path)
        status = "404 Not Found" if found is None else "200 OK" if found[0] else "503 Service Unavailable"
        start(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [(found[1] if found else "not found").encode()]

    server = make_server(address.host, address.port, answer, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return server


def _ready(health: Health) -> tuple[bool, str]:
    """A stale relay serves what it has, so it is ready."""
    return health.status != Status.NOT_READY, f"{health.status} {health.reason}".strip()
