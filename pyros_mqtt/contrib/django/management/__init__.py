"""Management commands of the application `pyros`."""
