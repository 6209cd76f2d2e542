"""The demo's night in a storm: agents and broker are killed all the time, and it goes on."""

from pyros_agents.demo.chaos.stormy_evening import play

__all__ = ["play"]
