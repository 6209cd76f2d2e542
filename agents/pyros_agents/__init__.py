"""The agents of a small robotic observatory, built on `pyros_mqtt` alone."""
