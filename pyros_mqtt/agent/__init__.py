"""Joins table, inbox, outbox and telemetry in one loop; the class that users inherit."""

from pyros_mqtt.agent.agent import Agent

__all__ = ["Agent"]
