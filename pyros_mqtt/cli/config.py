"""`pyros config`: what is set, where it comes from, and what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.endings import FAILED, Trouble, complain
from pyros_mqtt.cli.reach import Reach, find_modules_here

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings

ConfigFile = Annotated[
    Path | None,
    typer.Argument(metavar="pyros.toml", help="The configuration, if not the usual one."),
]

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(
        group,
        name="config",
        help="Show, check and convert this machine's settings.",
        epilog=example("pyros config show", "pyros config check", "pyros config migrate"),
    )


@group.command("show", epilog=example("pyros config show"))
def show_settings(context: typer.Context) -> None:
    """Show each setting and where it comes from."""
    settings = Reach.of(context).settings
    show.table(
        ("setting", "value", "from"),
        [(one.key, one.shown, one.place) for one in settings.sources()],
    )


@group.command(epilog=example("pyros config check"))
def check(context: typer.Context) -> None:
    """List all that is wrong with the settings.

    Also with the classes and options of the agents of this machine.

    Exit code 0 if nothing is wrong, 1 otherwise.
    """
    from pyros_mqtt.errors import SettingsError
    from pyros_mqtt.settings.site import site_problems

    try:
        settings = Reach.of(context).settings
    except SettingsError as error:
        wrong = str(error).splitlines()
    else:
        wrong = [
            *settings.remarks,
            *site_problems(settings.observatory),
            *agents_problems(settings),
        ]
    for one in wrong:
        complain(one)
    if wrong:
        raise typer.Exit(FAILED)
    files = ", ".join(map(str, settings.files))
    show.line(f"All is well with {files or 'the settings (no file was found)'}")


@group.command(
    epilog=example(
        "pyros config migrate", "pyros config migrate /etc/pyros/pyros_agent_config.ini -o -"
    )
)
def migrate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="PyROS's own file.")] = Path(
        "pyros_agent_config.ini"
    ),
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The new one; - prints it.")
    ] = Path("pyros.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the new file, if it is there.")
    ] = False,
) -> None:
    """Convert pyros_agent_config.ini to pyros.toml.

    Comments are kept. What was written is read again, and has to say the same as the old file.
    A file that is there is overwritten with --force alone.
    """
    from pyros_mqtt.settings.migration import migrate as migrated

    made = migrated(_text(file), str(file))
    if str(output) == "-":
        sys.stdout.write(made.text)
    else:
        _write(output, made.text, force=force)
        show.line(f"Wrote {output}; it says the same as {file}, which may go now")
    for one in made.remarks:
        complain(one)


def take_file(file: Path | None) -> None:
    """Let this process and its children read the file that the command line names, if it does."""
    if file is None:
        return
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {str(file)!r}", param_hint="'pyros.toml'")
    os.environ["PYROS_CONFIG"] = str(file.absolute())


def _text(file: Path) -> str:
    """Read an old file, which may be Latin-1."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file}: cannot be read: {error.strerror}") from None
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    return data.decode("latin-1")


def _write(file: Path, text: str, *, force: bool) -> None:
    """Write a file whole or not at all, so that a full disk leaves the old one as it was."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, "utf-8")
        if not force:
            file.touch(exist_ok=False)
        draft.replace(file)
    except FileExistsError:
        raise Trouble(f"{file} is there already; --force overwrites it") from None
    except OSError as error:
        raise Trouble(f"{file}: cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def agents_problems(settings: Settings) -> list[str]:
    """List what is wrong with the agents that run here: class, options."""
    from pyros_mqtt.deployment import tables_here
    from pyros_mqtt.supervisor import problems

    find_modules_here()
    return [
        f"agents.{name}: {problem}"
        for name, table in tables_here(settings, socket.gethostname()).items()
        for problem in problems(table.class_path, settings, name)
    ]
