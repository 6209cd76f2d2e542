"""mosquitto's tools."""
