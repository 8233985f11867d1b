"""Prometheus metrics of one replica. Each has a registry of its own, so that a test may have two."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from engine.selfservice import PoolStatus

_SECONDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1, 2, 4, 8, 15, 30)


class Metrics:
    """What is counted and measured."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds", "Time to the answer", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self.sign_up_seconds = Histogram(
            "sign_up_duration_seconds", "From the request to the committed organization", ("way",),
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self.ended = Counter(
            "operations_ended", "Operations that this replica brought to their end", ("kind", "state"),
            registry=self._registry,
        )  # fmt: skip
        self.orphans = Counter(
            "orphans_removed", "Namespaces of operations that no longer exist", registry=self._registry
        )
        self.mails = Counter("mails", "Messages by what came of them", ("result",), registry=self._registry)
        self._engines = Gauge("engines", "Engines by what they do; size: how many should wait", ("state",),
                              registry=self._registry)  # fmt: skip
        self._operations = Gauge("operations", "Operations in the database", ("kind", "state"), registry=self._registry)
        self._drifted = Gauge(
            "organizations_drifted", "Organizations that differed from what was deployed when last compared",
            registry=self._registry,
        )  # fmt: skip
        self._oldest_hint = Gauge(
            "config_outbox_oldest_seconds", "Age of the oldest change that was not announced; 0: none waits",
            registry=self._registry,
        )  # fmt: skip
        self._running = Gauge("work_running", "Sagas at work in this replica", registry=self._registry)

    def render(
        self,
        pool: PoolStatus,
        operations: Mapping[tuple[str, str], int],
        drifted: int,
        running: int,
        oldest_hint: float,
    ) -> bytes:
        """The text format, with what is true right now."""
        for state, count in vars(pool).items():
            self._engines.labels(state).set(count)
        self._operations.clear()
        for (kind, state), count in operations.items():
            self._operations.labels(kind, state).set(count)
        self._drifted.set(drifted)
        self._oldest_hint.set(oldest_hint)
        self._running.set(running)
        return generate_latest(self._registry)
