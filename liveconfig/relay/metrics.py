"""What a relay counts and measures, for Prometheus. No label says whose it is: organizations are many."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 1, 5, 30)


class Metrics:
    """Those of one relay; each has a registry of its own, so that a test may have two."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.pods = Gauge("liveconfig_relay_pods", "Pods that are being served", registry=registry)
        self.organizations = Gauge("liveconfig_relay_organizations", "Organizations followed", registry=registry)
        self.stale = Gauge("liveconfig_relay_stale", "1: what is served may not be the newest", registry=registry)
        self.queries = Gauge("liveconfig_relay_queries", "Readings of settings since the start", registry=registry)
        self.passed_by = Gauge("liveconfig_relay_hints_passed_by", "Hints of what was held", registry=registry)
        self.changes = Counter("liveconfig_relay_changes", "Change sets pushed", registry=registry)
        self.lines = Counter("liveconfig_relay_lines", "Lines of changes written to pods", registry=registry)
        self.behind = Counter(
            "liveconfig_relay_pods_behind", "Times that a slow pod was left to the newest full state", registry=registry
        )
        self.ended = Counter(
            "liveconfig_relay_connections_ended", "Connections that the relay closed", ("reason",), registry=registry
        )
        self.push_seconds = Histogram(
            "liveconfig_relay_push_seconds", "From the first hint to the last pod's line written",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
