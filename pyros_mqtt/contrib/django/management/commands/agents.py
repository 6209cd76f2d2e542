"""`manage.py agents`: how every agent is, once."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pyros_mqtt.contrib.django import rows, watching
from pyros_mqtt.errors import SettingsError
from pyros_mqtt.wire import pretty

NO_BROKER = 3
TROUBLED = 1


class Command(BaseCommand):
    """Show every agent's state, task and age."""

    help = (
        "Shows every agent's state, task and age. Exit code 0 if all is well, 1 if an agent is "
        "lost, silent or in fault, 3 if no broker answers."
    )
    requires_system_checks: Sequence[str] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="Print JSON, for programs.")

    def handle(self, **options: Any) -> None:
        """Look once, and print."""
        try:
            fleet = watching.fleet()
        except SettingsError as error:
            raise CommandError(str(error), returncode=NO_BROKER) from None
        try:
            if not fleet.is_up:
                raise CommandError(f"no broker answers: {fleet.trouble}", returncode=NO_BROKER)
            members = fleet.members()
        finally:
            watching.close()
        if options["json"]:
            self.stdout.write(pretty([rows.table(one) for one in members]))
        else:
            self._print([rows.row(one) for one in members])
        if any(rows.state(one) in rows.TROUBLED for one in members):
            raise SystemExit(TROUBLED)

    def _print(self, shown: Sequence[rows.Row]) -> None:
        if not shown:
            self.stdout.write("No agent has been seen on this broker")
            return
        heads = tuple(one.upper() for one in rows.HEADERS)
        for line in _aligned([heads, *(one.cells for one in shown)]):
            self.stdout.write(line)


def _aligned(cells: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
