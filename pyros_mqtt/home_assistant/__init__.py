"""Shows chosen measurements to Home Assistant, by its MQTT discovery.

`documents` says what one sensor's document holds, `templates` how Home Assistant is to read our
payloads, `units` what it calls our units; `bridge` is the agent that publishes them.
"""

from pyros_mqtt.home_assistant.bridge import HomeAssistant

__all__ = ["HomeAssistant"]
