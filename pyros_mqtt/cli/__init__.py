"""The command `pyros`: one file a command group, no logic of its own.

Whatever is heavy is imported by the command that needs it, so that `pyros --help` is fast.
"""

from pyros_mqtt.cli.commands import main

__all__ = ["main"]
