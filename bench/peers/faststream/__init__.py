"""FastStream over MQTT."""
