"""`pyros send`: one command to one agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names, message_names
from pyros_mqtt.cli.endings import INTERRUPTED, Trouble, code_of, complain
from pyros_mqtt.cli.reach import Reach, nearest, settle
from pyros_mqtt.cli.spool import hand_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyros_mqtt.messages import Report
    from pyros_mqtt.sender import Receipt


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "pyros send telescope goto ra=83.633 dec=22.014 --wait",
            "pyros send dome close",
            "pyros send scheduler 'Observation finished'",
        )
    )(send)


def send(  # noqa: PLR0917 - typer calls it by name
    context: typer.Context,
    agent: Annotated[
        str, typer.Argument(metavar="AGENT", help="Its name.", autocompletion=agent_names)
    ],
    message: Annotated[
        str,
        typer.Argument(metavar="MESSAGE", help="What to do.", autocompletion=message_names),
    ],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="The arguments.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait for the end, and print the result.")
    ] = False,
    ttl: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="SECONDS", help="It may start until then (default 30)."),
    ] = None,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="Overtake what waits, if the agent allows it.")
    ] = False,
    sender: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Send under this name.")
    ] = None,
    durable: Annotated[
        bool, typer.Option("--durable", help="Keep it on the disk until it is accepted.")
    ] = False,
    countdown: Annotated[
        float | None,
        typer.Option("--in", min=0, metavar="SECONDS", help="Send it later; it is durable."),
    ] = None,
    eta: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="The same, as 2026-11-22T20:14:00Z."),
    ] = None,
) -> None:
    """Send a message to an agent.

    Returns once the agent has accepted it, with --wait once it has ended.

    Values that read as a number, true, false or null are that, all others are texts.

    Exit code 0 done or accepted, 1 failed or rejected, 2 wrong usage, 3 nobody answered.
    """
    from pyros_mqtt.sender.moments import lasting

    args = _arguments(words or [])
    try:
        ttl = None if ttl is None else lasting("ttl", ttl)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--ttl'") from None
    reach = Reach.of(context, spares=True)
    if wait and (durable or countdown is not None or eta is not None):
        text = "what is kept on the disk is not waited for; `pyros tail` shows what becomes of it"
        raise typer.BadParameter(text, param_hint="'--wait'")
    if durable or countdown is not None or eta is not None:
        _hand_in(reach, agent, message, args, ttl, sender, countdown, eta, urgent=urgent)
        return
    from pyros_mqtt.errors import BadName, NobodyListens, SendError

    try:
        with reach.sender(sender) as voice:
            receipt = voice.post(agent, message, args, ttl=ttl, urgent=urgent)
            _follow(receipt, wait=wait)
    except BadName as error:
        hint = _known_agents(reach, agent) if error.name == agent else ""
        raise Trouble(f"{error}{hint}", code_of(error)) from error
    except NobodyListens as error:
        raise Trouble(f"{error}{_known_agents(reach, agent)}", code_of(error)) from error
    except SendError as error:
        raise Trouble(str(error), code_of(error)) from error


def _hand_in(  # noqa: PLR0917 - what a later command is made of
    reach: Reach,
    agent: str,
    message: str,
    args: dict[str, Any],
    ttl: float | None,
    sender: str | None,
    countdown: float | None,
    eta: str | None,
    *,
    urgent: bool,
) -> None:
    from pyros_mqtt.errors import BadName
    from pyros_mqtt.sender.moments import moment_of
    from pyros_mqtt.sender.sender import compose, made_up_name

    if countdown is not None and eta is not None:
        raise typer.BadParameter("give one of them, not both", param_hint="'--in' / '--at'")
    try:
        due = moment_of(countdown, eta)
        name = sender or reach.settings.sender or made_up_name()
        command = compose(agent, message, name, args=args, ttl=ttl, urgent=urgent, due=due)
    except BadName as error:
        raise Trouble(str(error), code_of(error)) from error
    except ValueError as error:
        option = "'--at'" if countdown is None else "'--in'"
        raise typer.BadParameter(str(error), param_hint=option) from None
    hand_in(reach, command, due)


def _arguments(words: list[str]) -> dict[str, Any]:
    from pyros_mqtt.wire import typed_words

    try:
        return typed_words(words)
    except ValueError as error:
        hint = "a message of several words goes into quotes"
        raise typer.BadParameter(f"{error}; {hint}", param_hint="'KEY=VALUE'") from None


def _follow(receipt: Receipt, *, wait: bool) -> None:
    try:
        receipt.wait_accepted()
        if not wait:
            show.line("accepted")
            return
        result = _with_bar(receipt) if show.is_terminal(err=True) else receipt.result(None, _plain)
    except KeyboardInterrupt:
        _tell_that_it_goes_on(receipt)
        raise typer.Exit(INTERRUPTED) from None
    if isinstance(result, str):
        show.line(show.printable(result) if show.is_terminal() else result)
    elif result is None:
        show.line("done")
    else:
        show.json(result)


def _tell_that_it_goes_on(receipt: Receipt) -> None:
    """Whoever stops waiting has not stopped the telescope."""
    command = receipt.command
    if receipt.is_answered and not receipt.is_ended:
        complain(f"{command.agent} goes on; `pyros send {command.agent} abort` ends it")
    elif not receipt.is_answered:
        complain(f"{command.agent} has not answered yet; whether it runs is not known")


def _plain(report: Report) -> None:
    """Tell how far it has come, a line each."""
    progress = report.progress
    if progress is None:
        return
    share = "" if progress.fraction is None else f"{progress.fraction:.0%} "
    typer.echo(f"{report.state}: {share}{show.one_line(progress.text)}".rstrip(), err=True)


def _with_bar(receipt: Receipt) -> Any:
    """Wait for the end behind a progress bar, which vanishes with it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    command = receipt.command
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(30, complete_style="cyan", finished_style="green"),
        TextColumn("{task.fields[share]:>4}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remark]}", markup=False),
    )
    with Progress(*columns, console=show.console(err=True), transient=True) as bar:
        state = "waiting" if receipt.state == "accepted" else ""
        title = f"{command.agent} {command.message}"
        task = bar.add_task(title, total=None, remark=state, share="")
        return receipt.result(None, _mover(bar.update, task))


def _mover(update: Callable[..., None], task: Any) -> Callable[[Report], None]:
    def move(report: Report) -> None:
        progress = report.progress
        text = show.one_line(progress.text) if progress else ""
        if progress is None or progress.fraction is None:
            update(task, remark=text)
            return
        share = f"{progress.fraction:.0%}"
        update(task, total=1.0, completed=progress.fraction, share=share, remark=text)

    return move


def _known_agents(reach: Reach, agent: str) -> str:
    """Name the agents that were perhaps meant; nothing where this one is known."""
    with reach.fleet() as fleet:
        settle(fleet)
        names = [one.name for one in fleet.members()]
    return "" if agent in names else f"\n{nearest(agent, names, 'known agents')}"
