"""Looks at metrics as Prometheus does: over HTTP."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families


class Look:
    """What was served at one moment."""

    def __init__(self, url: str) -> None:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
            self.text = answer.read().decode()
        families = list(text_string_to_metric_families(self.text))
        self._samples = [sample for family in families for sample in family.samples]
        self.families = {family.name for family in families}

    @property
    def names(self) -> set[str]:
        """The names of all series."""
        return {sample.name for sample in self._samples}

    def value(self, name: str, **labels: str) -> float | None:
        """The one series of this name that has these labels; None where there is none."""
        found = [
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) < 2, f"{name}{labels} is not one series: {found}"
        return found[0] if found else None

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels of all series of this name."""
        return [dict(sample.labels) for sample in self._samples if sample.name == name]
