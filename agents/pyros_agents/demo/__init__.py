"""One night in about a minute: start-up, survey, a real Swift notice, rain, and the end."""

from pyros_agents.demo.evening import play

__all__ = ["play"]
