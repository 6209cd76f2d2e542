"""What an agent understands, as a page's forms need it."""

from __future__ import annotations

from typing import Any

from pyros_mqtt.messages import About


def described(about: About) -> dict[str, Any]:
    """Messages with the JSON Schema of their arguments, and channels with their units."""
    return {
        "agent": about.agent,
        "version": about.version,
        "description": about.description,
        "messages": {
            name: {
                "description": one.description,
                "args": one.args,
                "urgent": one.urgent,
                "ttl": one.ttl,
            }
            for name, one in about.messages.items()
        },
        "channels": {
            name: {"unit": one.unit, "description": one.description, "fields": list(one.fields)}
            for name, one in about.telemetry.items()
        },
    }
