"""Metrics for Prometheus: `prometheus_client.REGISTRY.register(LiveConfigCollector(config))`. Needs `prometheus`."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from liveconfig.measures import BOUNDS
from liveconfig.reader import Reader


class LiveConfigCollector(Collector):
    """What one client measures, collected when it is asked for. At most 500 settings have a series of their own."""

    def __init__(self, config: Reader) -> None:
        self._measures = config.measures

    def collect(self) -> Iterator[Metric]:
        """The families, as they are now."""
        versions = GaugeMetricFamily(
            "config_version", "Version in force, by owner (0: the platform)", labels=("org_id", "service", "key")
        )
        for (org_id, name), version in self._measures.listed().items():
            versions.add_metric((str(org_id), *name.split("/", 1)), version)
        yield versions
        yield GaugeMetricFamily("config_revision", "Newest change set held", self._measures.snapshot.revision)
        yield GaugeMetricFamily("config_epoch", "History that it belongs to", self._measures.snapshot.epoch)
        yield GaugeMetricFamily(
            "config_stale_seconds", "For how long a newer one may exist", self._measures.stale_seconds
        )  # fmt: skip
        invalid = CounterMetricFamily(
            "config_invalid_values", "Values not of the type that was wanted", labels=("service", "key")
        )
        for name, count in list(self._measures.invalid_values.items()):
            invalid.add_metric(tuple(name.split("/", 1)), count)
        yield invalid
        yield self._applied()

    def _applied(self) -> Metric:
        counts = list(accumulate(self._measures.seconds))
        buckets = [(str(bound), count) for bound, count in zip((*BOUNDS, "+Inf"), counts, strict=True)]
        return HistogramMetricFamily(
            "config_applied_seconds", "From a change's first hint to its being in force", buckets=buckets,
            sum_value=self._measures.total_seconds,
        )  # fmt: skip
