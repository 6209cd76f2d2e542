"""The words of prometheus_client that the rest of the house may use.

Raises:
    SettingsError: the package is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyros_mqtt.errors import SettingsError

try:
    from prometheus_client import (
        CollectorRegistry,
        Counter,
        GCCollector,
        Histogram,
        PlatformCollector,
        ProcessCollector,
    )
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
except ImportError:
    raise SettingsError(
        "metrics need the package prometheus_client: pip install 'pyros-mqtt[metrics]'"
    ) from None

__all__ = ["Counter", "Family", "Gauge", "Histogram", "Registry", "Total"]

Family = Metric
"""One metric with all of its series, made for one look."""


def Gauge(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:  # noqa: N802 - it makes one
    """Make a family of values that go up and down."""
    return GaugeMetricFamily(name, documentation, labels=labels)


def Total(name: str, documentation: str, *labels: str) -> CounterMetricFamily:  # noqa: N802 - it makes one
    """Make a family of values that only go up; its series end in `_total`."""
    return CounterMetricFamily(name, documentation, labels=labels)


class _Snapshot:
    """Asks `collect` for its families whenever somebody looks."""

    def __init__(self, collect: Callable[[], Iterable[Family]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Family]:
        """Give the families as they are now."""
        return self._collect()


class Registry(CollectorRegistry):
    """All that is served at one place, and this process's own memory, time and files."""

    def __init__(self) -> None:
        super().__init__(support_collectors_without_names=True)
        ProcessCollector(registry=self)
        PlatformCollector(registry=self)
        GCCollector(registry=self)

    def collect(self) -> Iterable[Family]:
        """Give all families, without a time of making for each series, which nobody asks for."""
        for family in super().collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family

    def ask(self, collect: Callable[[], Iterable[Family]]) -> None:
        """Serve also what this gives, whenever somebody looks."""
        self.register(_Snapshot(collect))
