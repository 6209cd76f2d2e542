"""The agents that the settings name, and those that run on one machine."""

from __future__ import annotations

from pyros_mqtt.settings import AgentTable, Settings

GATEWAY = "pyros_mqtt.gateway:Gateway"
"""The agent that `[gateway] enabled` adds; its room and this one do not know each other."""

WATCHMAN = "pyros_mqtt.watchman:Watchman"
"""The agent that `[alarms]` adds; the same holds for it."""


def every_table(settings: Settings) -> dict[str, AgentTable]:
    """List all agents of the file, with the gateway and the watchman where they are asked for."""
    tables: dict[str, AgentTable] = dict(settings.agents)
    if settings.gateway.enabled and "gateway" not in tables:
        where = settings.gateway.host
        tables["gateway"] = AgentTable.model_validate({"class": GATEWAY, "host": where})
    if settings.alarms.is_to_run and "alarms" not in tables:
        where = settings.alarms.host
        tables["alarms"] = AgentTable.model_validate({"class": WATCHMAN, "host": where})
    return tables


def tables_here(settings: Settings, host: str) -> dict[str, AgentTable]:
    """Choose the agents that run on the machine `host`; its short name will do."""
    return {
        name: table
        for name, table in every_table(settings).items()
        if table.enabled and (table.host is None or is_same_host(table.host, host))
    }


def is_same_host(one: str, other: str) -> bool:
    """Say whether two names mean one machine: equal, or one the short form of the other."""
    first, second = one.lower(), other.lower()
    return first == second or first.partition(".")[0] == second or first == second.partition(".")[0]
