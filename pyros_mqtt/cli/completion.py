"""Names for the shell's Tab key, out of what broker and archive have kept; else silent."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

import typer

from pyros_mqtt.cli.reach import Reach, settle
from pyros_mqtt.cli.spans import opened

PATIENCE = 0.8
"""Seconds that somebody who has pressed Tab waits for a broker."""

Candidates = list[tuple[str, str]]
"""Words, each with a help text."""


def agent_names(context: typer.Context, incomplete: str) -> Candidates:
    """Complete an agent's name."""
    return _silently(lambda: _agents(context), incomplete)


def message_names(context: typer.Context, incomplete: str) -> Candidates:
    """Complete a message of the agent that stands before it."""
    return _silently(lambda: _messages(context), incomplete)


def alarm_names(context: typer.Context, incomplete: str) -> Candidates:
    """Complete the name of an alarm that is not normal."""
    return _silently(lambda: _alarms(context), incomplete)


def channel_names(context: typer.Context, incomplete: str) -> Candidates:
    """Complete a recorded channel of the agent that stands before it."""
    return _silently(lambda: _channels(context), incomplete)


def _channels(context: typer.Context) -> Candidates:
    agent = context.params.get("agent") or ""
    with opened(Reach.of(context, PATIENCE), context.params.get("archive")) as archive:
        return [
            (channel, _first_line(archive.describe(agent, channel).description))
            for _, channel in archive.channels(agent)
        ]


def _alarms(context: typer.Context) -> Candidates:
    with Reach.of(context, PATIENCE).alarm_board() as board:
        return [(one.alarm, one.state.value) for one in board.alarms]


def _agents(context: typer.Context) -> Candidates:
    with Reach.of(context, PATIENCE).fleet() as fleet:
        settle(fleet, quiet=0.15, at_most=PATIENCE)
        return [(one.name, one.label) for one in fleet.members()]


def _messages(context: typer.Context) -> Candidates:
    agent = context.params.get("agent") or ""

    with Reach.of(context, PATIENCE).fleet() as fleet:

        def is_known() -> bool:
            member = fleet.get(agent)
            return member is not None and member.about is not None

        fleet.wait_until(is_known, PATIENCE / 2)
        member = fleet.get(agent)
        about = member.about if member else None
        messages = about.messages if about else {}
        return [(name, _first_line(info.description)) for name, info in messages.items()]


def _silently(find: Callable[[], Candidates], incomplete: str) -> Candidates:
    logging.disable()
    with contextlib.suppress(Exception):
        return [(word, told) for word, told in find() if word.startswith(incomplete)]
    return []


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
