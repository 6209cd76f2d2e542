"""paho-mqtt with its own loop."""
