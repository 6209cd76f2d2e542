"""`pyros spool`: what waits on this machine to be delivered, and what could not be."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, Trouble
from pyros_mqtt.cli.reach import Reach

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command
    from pyros_mqtt.spool import Spool, Spooled

AT_ONCE = 3.0
"""Seconds for which a durable command is tried at once; then it is left to the next courier."""

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

ID = Annotated[
    str, typer.Argument(metavar="ID", help="As `pyros spool list` shows it, or its start.")
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(
        group,
        name="spool",
        help="Show and change what waits on this machine to be delivered.",
        epilog=example("pyros spool list", "pyros spool drop 3f2a", "pyros spool deliver"),
    )


@group.command("list", epilog=example("pyros spool list", "pyros spool list --json"))
def list_commands(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List what waits, and what was given up in the last week."""
    with _spool(Reach.of(context)) as spool:
        spooled = spool.listing()
    if as_json:
        show.json([_table(one) for one in spooled])
    elif not spooled:
        show.line("nothing waits")
    else:
        show.table(("id", "to", "message", "state", "when", "remark"), map(_row, spooled))


@group.command(epilog=example("pyros spool retry 3f2a"))
def retry(context: typer.Context, command_id: ID) -> None:
    """Send a command that was given up again, as a new one, with its lifetime anew."""
    from pyros_mqtt.sender.courier import for_the_spool
    from pyros_mqtt.sender.sender import compose
    from pyros_mqtt.signing import signer_of

    reach = Reach.of(context)
    signer = signer_of(reach.settings)
    with _spool(reach) as spool:
        found = _find(spool, command_id)
        old = found.command
        if found.ended is None:
            raise Trouble(f"{old.id} still waits; it is tried by itself", FAILED)
        ttl = max(1.0, (old.deadline or 0.0) - found.due)
        new = compose(old.agent, old.message, old.sender, args=old.args, ttl=ttl, urgent=old.urgent)
        now = time.time()
        spool.replace(old.id, new, now, for_the_spool(new, now, reach.topics, signer))
    show.line(f"waits as {new.id}")


@group.command(epilog=example("pyros spool drop 3f2a"))
def drop(context: typer.Context, command_id: ID) -> None:
    """Take a command out; it is not sent any more."""
    with _spool(Reach.of(context)) as spool:
        found = _find(spool, command_id).command
        spool.remove(found.id)
    show.line(f"dropped {found.message!r} to {found.agent}")


@group.command(epilog=example("pyros spool deliver"))
def deliver(context: typer.Context) -> None:
    """Deliver what waits, until Ctrl-C; `pyros up` does the same beside its agents."""
    _deliver(Reach.of(context), until=lambda _spool: False)


def hand_in(reach: Reach, command: Command, due: float | None) -> None:
    """Write a durable command to the disk, and try to deliver it at once if it is due."""
    from pyros_mqtt.sender.courier import for_the_spool
    from pyros_mqtt.signing import signer_of

    now = time.time()
    sent = now if due is None else due
    payload = for_the_spool(command, sent, reach.topics, signer_of(reach.settings))
    with _spool(reach) as spool:
        spool.put(command, now, due, payload)
    if due is None:
        end = time.monotonic() + AT_ONCE

        def over(spool: Spool) -> bool:
            waiting = spool.find(command.id)
            return waiting is None or waiting.ended is not None or time.monotonic() > end

        _deliver(reach, until=over)
    with _spool(reach) as spool:
        left = spool.find(command.id)
    if left is None:
        show.line("accepted")
    elif left.ended is not None:
        raise Trouble(left.remark, FAILED)
    else:
        show.line(f"on disk as {command.id}; delivered by `pyros up`, or by `pyros spool deliver`")


def _deliver(reach: Reach, until: Callable[[Spool], bool]) -> None:
    from pyros_mqtt.link import Brokers
    from pyros_mqtt.sender import spool_path
    from pyros_mqtt.sender.desk import SpoolDesk
    from pyros_mqtt.signing import signer_of

    settings = reach.reaching_settings
    path = spool_path(settings.state_dir, settings.root)
    desk = SpoolDesk(Brokers(settings), reach.topics, path, signer_of(settings))
    desk.deliver()
    try:
        with _spool(reach) as spool:
            while not until(spool):
                time.sleep(0.05)
    finally:
        desk.close()


def _spool(reach: Reach) -> contextlib.closing[Spool]:
    from pyros_mqtt.errors import SpoolError
    from pyros_mqtt.sender import spool_path
    from pyros_mqtt.spool import Spool

    settings = reach.settings
    try:
        return contextlib.closing(Spool(spool_path(settings.state_dir, settings.root)))
    except SpoolError as error:
        raise Trouble(str(error), FAILED) from error


def _find(spool: Spool, start: str) -> Spooled:
    if not start:
        raise typer.BadParameter("it is empty: see pyros spool list", param_hint="'ID'")
    found = [one for one in spool.listing() if one.command.id.startswith(start)]
    if len(found) != 1:
        what = f"{len(found)} commands in the spool begin" if found else "no command begins"
        raise Trouble(f"{what} with {start!r}: see pyros spool list", FAILED)
    return found[0]


def _state(one: Spooled) -> str:
    if one.ended is not None:
        return "given up"
    return "waits" if one.due <= time.time() else "for later"


def _row(one: Spooled) -> tuple[str, ...]:
    from pyros_mqtt.wire import to_rfc3339

    command = one.command
    when = to_rfc3339(one.ended or one.due)
    return (command.id, command.agent, str(command), _state(one), when, one.remark)


def _table(one: Spooled) -> dict[str, object]:
    command = one.command
    return {
        "id": command.id,
        "from": command.sender,
        "agent": command.agent,
        "message": command.message,
        "args": command.args,
        "state": _state(one),
        "written": one.written,
        "due": one.due,
        "deadline": command.deadline,
        "ended": one.ended,
        "remark": one.remark,
    }
