"""`pyros describe`: what an agent understands and measures, for people and for other tools."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pyros_mqtt.cli import rows, schema_words, show
from pyros_mqtt.cli.app import example
from pyros_mqtt.cli.completion import agent_names
from pyros_mqtt.cli.endings import NO_ANSWER, USAGE, Trouble
from pyros_mqtt.cli.reach import Reach, nearest, settle

if TYPE_CHECKING:
    from pyros_mqtt.fleet import Fleet, Member
    from pyros_mqtt.messages import About, Channel, MessageInfo

PATIENCE = 1.0
"""Seconds to wait for the document of an agent; the broker has kept it."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    lines = ("describe dome", "describe dome --json", "describe --asyncapi > agents.json")
    app.command(epilog=example(*(f"pyros {line}" for line in lines)))(describe)


def describe(
    context: typer.Context,
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="[AGENT]",
            help="Its name; with --asyncapi it may be left out.",
            autocompletion=agent_names,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the agent's own document, for programs.")
    ] = False,
    as_asyncapi: Annotated[
        bool, typer.Option("--asyncapi", help="Print an AsyncAPI 3 document of all agents, or one.")
    ] = False,
) -> None:
    """Show what an agent understands and measures.

    Its messages with their arguments and rules, and its channels with their units. With --asyncapi
    the same as an AsyncAPI 3 document (JSON) of every agent that is known at the broker.

    Exit code 3 where no broker, or no agent of this name, is there.
    """
    if as_asyncapi:
        _as_asyncapi(Reach.of(context), agent)
        return
    if agent is None:
        raise typer.BadParameter("name an agent, or --asyncapi", param_hint="'AGENT'")
    with Reach.of(context).fleet() as fleet:
        member = _member(fleet, agent)
    if member.about is None:
        raise Trouble(f"{agent} is {member.label}, and has not said what it understands", NO_ANSWER)
    if as_json:
        from pyros_mqtt.wire import encode_about
        from pyros_mqtt.wire.json_text import tolerant

        show.json(tolerant(encode_about(member.about)))
        return
    for text in _in_words(member, member.about):
        show.line(show.printable(text))


def _as_asyncapi(reach: Reach, agent: str | None) -> None:
    from pyros_mqtt.asyncapi import document
    from pyros_mqtt.messages import About

    with reach.fleet() as fleet:
        members = _everyone(fleet) if agent is None else (_member(fleet, agent),)
    abouts = [one.about or About(one.name) for one in members]
    has_password = reach.settings.username is not None
    show.json(document(abouts, reach.topics, reach.brokers, with_password=has_password))


def _everyone(fleet: Fleet) -> tuple[Member, ...]:
    settle(fleet)
    fleet.wait_until(lambda: all(one.about for one in fleet.members()), PATIENCE)
    return fleet.members()


def _member(fleet: Fleet, agent: str) -> Member:
    def is_known() -> bool:
        member = fleet.get(agent)
        return member is not None and member.about is not None and member.status is not None

    if not fleet.wait_until(is_known, PATIENCE):
        settle(fleet)
    member = fleet.get(agent)
    if member is None:
        hint = nearest(agent, [one.name for one in fleet.members()], "known agents")
        from pyros_mqtt.errors import BadName
        from pyros_mqtt.topics import check_name

        try:
            check_name("agent", agent)
        except BadName as error:
            raise Trouble(f"{error}\n{hint}", USAGE) from error
        raise Trouble(f"there is no agent {agent!r}; {hint}", NO_ANSWER)
    return member


def _in_words(member: Member, about: About) -> Iterator[str]:
    status = member.status
    where = f" on {status.host}" if status and status.host else ""
    version = f", version {about.version}" if about.version else ""
    yield f"{about.agent}: {rows.state(member)}{where}{version}, protocol {about.protocol}"
    if about.description:
        yield about.description
    yield ""
    yield "Messages:"
    for name in sorted(about.messages):
        yield from _message(name, about.messages[name])
    if about.telemetry:
        yield ""
        yield "Channels:"
    for name in sorted(about.telemetry):
        yield from _channel(about.telemetry[name])


def _message(name: str, info: MessageInfo) -> Iterator[str]:
    quoted = f"'{name}'" if " " in name else name
    rules = ["urgent"] if info.urgent else []
    rules += [f"within {info.ttl:g} s"] if info.ttl is not None else []
    usage = " ".join(filter(None, [quoted, schema_words.usage(info.args)]))
    yield f"  {usage}" + (f"   ({', '.join(rules)})" if rules else "")
    if info.description:
        yield textwrap.indent(info.description, "      ")
    for argument, words in schema_words.arguments(info.args):
        yield f"      {argument}: {words}"


def _channel(channel: Channel) -> Iterator[str]:
    facts = [channel.unit] if channel.unit else []
    if channel.range is not None:
        facts.append(f"{channel.range[0]:g} to {channel.range[1]:g}")
    facts += [f"fields {', '.join(channel.fields)}"] if channel.fields else []
    facts += [f"{channel.rate:g} Hz"] if channel.rate else []
    yield f"  {channel.name}" + (f"   ({'; '.join(facts)})" if facts else "")
    if channel.description:
        yield textwrap.indent(channel.description, "      ")
