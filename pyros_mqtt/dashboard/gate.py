"""Who looks, and the orders of those who may give any."""

from __future__ import annotations

import asyncio
import hmac
import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyros_mqtt.dashboard.answers import answered, body_of
from pyros_mqtt.dashboard.authority import Authority, Person, Refused
from pyros_mqtt.dashboard.entrance import give_cookie
from pyros_mqtt.dashboard.orders import Orders
from pyros_mqtt.dashboard.visitors import COOKIE, Visitors
from pyros_mqtt.errors import PyrosError

log = logging.getLogger(__name__)

PENANCE = 0.5
"""Seconds that a wrong token costs."""


class Gate:
    """Logs people in and out, and takes their orders.

    Args:
        authority: who may.
        orders: how commands are sent; None where nobody may command.
        visitors: knows who asks.
    """

    def __init__(self, authority: Authority, orders: Orders | None, visitors: Visitors) -> None:
        self._authority = authority
        self._visitors = visitors
        self._orders = orders

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route("/api/me", self.me),
            Route("/api/login", self.login, methods=["POST"]),
            Route("/api/logout", self.logout, methods=["POST"]),
            Route("/api/command", self.command, methods=["POST"]),
            Route("/api/acknowledge", self.acknowledge, methods=["POST"]),
        ]

    async def me(self, request: Request) -> Response:
        """Who looks, and what forms have to carry."""
        return answered(self._told(self._person(request)))

    async def login(self, request: Request) -> Response:
        """Let somebody in."""
        if self._authority.is_closed:
            raise HTTPException(403, "log in at /login, with your password")
        body = await body_of(request)
        name, token = body.get("name"), body.get("token")
        if not isinstance(name, str) or not isinstance(token, str):
            raise HTTPException(400, "name and token are texts")
        try:
            person = self._authority.admit(name, token)
        except Refused as refusal:
            await asyncio.sleep(PENANCE)
            raise HTTPException(403, str(refusal)) from None
        answer = answered(self._told(person))
        give_cookie(answer, person, is_secure=self._visitors.is_secure(request))
        return answer

    async def logout(self, request: Request) -> Response:
        """Let her go."""
        self._known(request)
        self._authority.leave(request.cookies.get(COOKIE, ""))
        answer = answered(self._told(None))
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    async def command(self, request: Request) -> Response:
        """Send one message to one agent."""
        person, body = self._commander(request), await body_of(request)
        agent, message, args = body.get("agent"), body.get("message"), body.get("args", {})
        ttl = body.get("ttl")
        is_right = isinstance(agent, str) and isinstance(message, str) and isinstance(args, dict)
        if not is_right or not (ttl is None or isinstance(ttl, (int, float))):
            raise HTTPException(400, "a command has agent, message, args and perhaps ttl")
        return self._give(person, str(agent), str(message), args, ttl=ttl)

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge one alarm, in the name of whoever is logged in."""
        person, body = self._commander(request), await body_of(request)
        agent, alarm = body.get("agent"), body.get("alarm")
        if not isinstance(agent, str) or not isinstance(alarm, str):
            raise HTTPException(400, "an alarm has agent and alarm")
        return self._give(person, agent, "acknowledge", {"alarm": alarm, "by": person.name})

    def _give(
        self,
        person: Person,
        agent: str,
        message: str,
        args: dict[str, Any],
        *,
        ttl: float | None = None,
    ) -> Response:
        if not self._authority.may_command(person, agent, message) or self._orders is None:
            log.warning("%s may not send %.80r to %.80r", person.name, message, agent)
            raise HTTPException(403, f"{person.name} may not send {message} to {agent}")
        try:
            command_id = self._orders.give(person.name, agent, message, args, ttl=ttl)
        except (PyrosError, TypeError, ValueError) as error:
            raise HTTPException(400, str(error)) from None
        log.info("%s sends %.80r to %s, as %s", person.name, message, agent, command_id)
        return answered({"id": command_id}, 202)

    def _person(self, request: Request) -> Person | None:
        return self._visitors.person(request)

    def _told(self, person: Person | None) -> dict[str, Any]:
        only_looks = person is not None and not self._authority.commands(person)
        nobody_commands = self._orders is None or only_looks
        return {
            "asks_for": "" if nobody_commands else self._authority.asks_for,
            "name": person.name if person else "",
            "csrf": person.csrf if person else "",
        }

    def _commander(self, request: Request) -> Person:
        """Whoever is logged in where commands are sent."""
        if self._orders is None:
            raise HTTPException(403, "this dashboard only shows")
        return self._known(request)

    def _known(self, request: Request) -> Person:
        """Whoever is logged in, and says so in a header that no other page can send."""
        person = self._person(request)
        if person is None:
            raise HTTPException(403, "this dashboard only shows, unless you log in")
        given = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(given.encode(), person.csrf.encode()):
            raise HTTPException(403, "the form is out of date: reload the page")
        return person
