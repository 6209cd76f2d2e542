"""The plan: for each machine its services, its agents, and the systemd units that run them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from pyros_mqtt.deployment.agents import GATEWAY, every_table, is_same_host
from pyros_mqtt.settings import AgentTable, Settings


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An agent that no machine runs; `why` is for people."""

    agent: str
    host: str | None
    why: str


@dataclass(slots=True)
class Machine:
    """One machine; `units` are those of systemd, in the order in which they start."""

    name: str
    services: tuple[str, ...] = ()
    agents: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)

    @property
    def command(self) -> str:
        """What to say there, once; empty where it runs nothing."""
        return f"systemctl enable --now {' '.join(self.units)}" if self.units else ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who runs what.

    Attributes:
        machines: each machine of the observatory, in the order of the file.
        disabled: the agents that the file names and nobody is to run.
        unplaced: the agents that somebody should run, and nobody does.
    """

    machines: tuple[Machine, ...]
    disabled: tuple[str, ...]
    unplaced: tuple[Unplaced, ...]


def plan(settings: Settings, here: str) -> Plan:
    """Read the plan out of the settings.

    The machines are those of `[machines]`; without that table, all that agents name as their
    host; without those, the one that reads the file (`here`). An agent without a host can only be
    placed where there is one machine: on several it would run several times.
    """
    tables = every_table(settings)
    machines = _machines(settings, tables.values(), here)
    unplaced = []
    for name, table in tables.items():
        if not table.enabled:
            continue
        place = _place(table.host, machines)
        if place is None:
            unplaced.append(Unplaced(name, table.host, _why(table.host, machines)))
        else:
            place.agents.append(name)
            place.units.append(unit_of(name, table))
    disabled = tuple(name for name, table in tables.items() if not table.enabled)
    return Plan(tuple(machines), disabled, tuple(unplaced))


def unit_of(name: str, table: AgentTable) -> str:
    """Name the unit that runs an agent."""
    if name == "gateway" and table.class_path == GATEWAY:
        return "pyros-gateway.service"
    return f"pyros-agent@{name}.service"


def _machines(settings: Settings, tables: Iterable[AgentTable], here: str) -> list[Machine]:
    if settings.machines:
        return [
            Machine(name, table.services, units=[f"pyros-{one}.service" for one in table.services])
            for name, table in settings.machines.items()
        ]
    machines: list[Machine] = []
    for host in (table.host for table in tables if table.enabled):
        if host and not any(is_same_host(host, one.name) for one in machines):
            machines.append(Machine(host))
    return machines or [Machine(here)]


def _place(host: str | None, machines: list[Machine]) -> Machine | None:
    if host is None:
        return machines[0] if len(machines) == 1 else None
    return next((one for one in machines if is_same_host(host, one.name)), None)


def _why(host: str | None, machines: list[Machine]) -> str:
    names = [one.name for one in machines]
    if host is None:
        return f"it names no host, and there are {len(names)} machines: {', '.join(names)}"
    near = get_close_matches(host.lower(), names, 1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
    return f"its host {host!r} is no machine of [machines]; {hint}"
