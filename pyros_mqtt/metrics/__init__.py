"""The one door to prometheus_client: how numbers are served, and what a process counts of itself.

It is imported only where metrics are switched on; the package is in the extra `metrics`.
"""

from pyros_mqtt.metrics.bounds import Admission, Recent, label
from pyros_mqtt.metrics.families import Counter, Family, Gauge, Histogram, Registry, Total
from pyros_mqtt.metrics.own import observed
from pyros_mqtt.metrics.server import Server

__all__ = [
    "Admission",
    "Counter",
    "Family",
    "Gauge",
    "Histogram",
    "Recent",
    "Registry",
    "Server",
    "Total",
    "label",
    "observed",
]
