"""The root of the command line: its global options, and the form that all help texts share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pyros_mqtt.version import __version__

GLOBALS = ("--broker", "--root")
"""Options of the root, understood before and after the command's name."""

_WORDS = (
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"Input should be a valid integer", "must be a whole number"),
    (r"Input should be (a )?(valid )?", "must be a "),
    (r", unable to parse.*", ""),
    (r"(Value error|Assertion failed), ", ""),
)
"""What typer hands on of pydantic, and how we say it."""


class _Root(TyperGroup):
    """The root, which says in our words what is wrong with an option's value."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = in_words(error.message)
            raise


app = typer.Typer(
    cls=_Root,
    # plain help texts and errors: they look the same in a terminal, a pipe and a log
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def example(*lines: str) -> str:
    """Give the end of a help text: examples, line by line as they stand."""
    title = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", title, *(f"  {line}" for line in lines)])


def in_words(text: str) -> str:
    """Say what is wrong with a value, without the words of the libraries that have found it."""
    for theirs, ours in _WORDS:
        text = re.sub(theirs, ours, text)
    return text


def leading_globals(words: Sequence[str]) -> list[str]:
    """Bring the global options to the front, where the root looks for them."""
    front: list[str] = []
    rest = list(words)
    at = 0
    while at < len(rest) and rest[at] != "--":
        option, has_value, _ = rest[at].partition("=")
        taken = 1 if has_value else 2
        if option in GLOBALS and at + taken <= len(rest):
            front += rest[at : at + taken]
            del rest[at : at + taken]
        else:
            at += 1
    return [*front, *rest]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pyros {__version__}")
        raise typer.Exit


@app.callback(
    epilog=example("pyros broker", "pyros up", "pyros send dome open --wait", "pyros watch")
)
def root(
    broker: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Use this broker, not the configured ones."),
    ] = None,
    root: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Use this topic root, not `pyros`.")
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Agents of an observatory that command each other over MQTT."""
    del broker, root, version  # `Reach.of` and the callback read them
