"""Who is measured: each system, the server that it needs, and the works that it can do."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

PEERS = Path(__file__).parent / "peers"

ServerKind = Literal["mosquitto", "redis", "rabbitmq", ""]


@dataclass(frozen=True)
class System:
    """One row of a table of results. `peer` is its folder; `place` goes to its processes."""

    name: str
    peer: str
    server: ServerKind
    works: frozenset[str]
    place: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> str:
        """How it is set up, as its own file says."""
        source = (PEERS / self.peer / "peer.py").read_text("utf-8")
        return " ".join((ast.get_docstring(ast.parse(source)) or "").split())

    @property
    def requirements(self) -> Path:
        """The file with its exact versions; there is none where it needs no package."""
        return PEERS / self.peer / "requirements.txt"


_ONEWAY = frozenset({"oneway-qos1", "oneway-qos0"})
_ASK = frozenset({"ask"})
_COMMANDS = frozenset({"commands"})
_OURS = frozenset(
    {
        "telemetry-single", "telemetry-batch", "cli", "import", "memory", "fleet", "status-storm",
        "curves",
    }
)  # fmt: skip

OURS = "pyros"
"""The name by which the library itself stands in all results."""

MEMORY = "pyros-memory"
"""The same, with the journal in memory."""

SYSTEMS = (
    System(OURS, "pyros", "mosquitto", _ASK | _COMMANDS | _ONEWAY | _OURS, {"journal": "sqlite"}),
    System(MEMORY, "pyros", "mosquitto", _ASK | _COMMANDS, {"journal": "memory"}),
    System("paho", "paho", "mosquitto", _ASK | _COMMANDS | _ONEWAY | {"curves"}),
    System("aiomqtt", "aiomqtt", "mosquitto", _ASK | _ONEWAY),
    System("faststream", "faststream", "mosquitto", _ASK | _ONEWAY),
    System("awscrt", "awscrt", "mosquitto", _ASK | _ONEWAY),
    System("mosquitto", "mosquitto", "mosquitto", _ONEWAY | {"cli"}),
    System("celery", "celery", "redis", _ASK | _COMMANDS),
    System("clu", "clu", "rabbitmq", _ASK | _COMMANDS),
    System("pyro5", "pyro5", "", _ASK),
    System("tango", "pytango", "", _ASK),
    System("sockets", "sockets", "", _ASK),
)
"""The library first; the order of a round is rotated."""


def chosen(names: list[str] | None) -> list[System]:
    """Give the library, and the peers that were asked for (all, where none was named)."""
    if not names:
        return list(SYSTEMS)
    return [one for one in SYSTEMS if one.peer == "pyros" or one.name in names]
