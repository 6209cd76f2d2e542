"""The pages and answers of the dashboard, as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from pyros_mqtt import wire
from pyros_mqtt.dashboard import sky
from pyros_mqtt.dashboard.assets import Assets
from pyros_mqtt.dashboard.authority import Authority, Person, Refused
from pyros_mqtt.dashboard.forms import described
from pyros_mqtt.dashboard.history import column, thinned
from pyros_mqtt.dashboard.images import NoPreview
from pyros_mqtt.dashboard.orders import Orders
from pyros_mqtt.dashboard.shield import Shield
from pyros_mqtt.dashboard.stream import BadWish, Pages, Viewer, series_key
from pyros_mqtt.dashboard.watch import Watch
from pyros_mqtt.errors import PyrosError
from pyros_mqtt.settings import Settings
from pyros_mqtt.version import __version__

log = logging.getLogger(__name__)

COOKIE = "pyros_session"
MOST_VIEWERS = 100
MOST_CHANNELS = 400
"""Series in one answer to a search."""


class Site:
    """Answers every request.

    Args:
        watch: what is shown.
        orders: how commands are sent; None where nobody may command.
        authority: who may.
        settings: root, place and sky are shown, `dashboard_names` are answered to.
    """

    def __init__(
        self, watch: Watch, orders: Orders | None, authority: Authority, settings: Settings
    ) -> None:
        self._watch = watch
        self._orders = orders
        self._authority = authority
        self._settings = settings
        self._pages = Pages(watch)
        self._viewers = 0
        self._assets = Assets()

    def asgi(self) -> ASGIApp:
        """Make the application; bus and event loop are started by whoever serves it."""
        routes = [
            Route("/", self.page),
            Route("/api/me", self.me),
            Route("/api/login", self.login, methods=["POST"]),
            Route("/api/logout", self.logout, methods=["POST"]),
            Route("/api/health", self.health),
            Route("/api/about/{agent}", self.about),
            Route("/api/series", self.series),
            Route("/api/history", self.history),
            Route("/api/images/{key}.png", self.image),
            Route("/api/command", self.command, methods=["POST"]),
            Route("/api/acknowledge", self.acknowledge, methods=["POST"]),
            WebSocketRoute("/api/live", self.live),
            Route("/page/{name:path}", self.asset),
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _in_words})
        return Shield(app, self._settings.dashboard_names)

    # -- the page ------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """The one page."""
        return self._assets.answer(request, "index.html")

    async def asset(self, request: Request) -> Response:
        """One of the page's files."""
        return self._assets.answer(request, request.path_params["name"])

    async def health(self, _: Request) -> Response:
        """Tell a monitor whether the dashboard has a broker."""
        broker = self._watch.broker()
        return answered(broker, 200 if broker["up"] else 503)

    # -- who ------------------------------------------------------------------------------------

    async def me(self, request: Request) -> Response:
        """Who looks, and what forms have to carry."""
        return answered(self._told(self._person(request)))

    async def login(self, request: Request) -> Response:
        """Let somebody in."""
        body = await _body(request)
        name, token = body.get("name"), body.get("token")
        if not isinstance(name, str) or not isinstance(token, str):
            raise HTTPException(400, "name and token are texts")
        try:
            person = self._authority.admit(name, token)
        except Refused as refusal:
            await asyncio.sleep(0.5)  # guessing is slow
            raise HTTPException(403, str(refusal)) from None
        answer = answered(self._told(person))
        answer.set_cookie(
            COOKIE,
            person.session,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def logout(self, request: Request) -> Response:
        """Let her go."""
        self._commander(request)
        self._authority.leave(request.cookies.get(COOKIE, ""))
        answer = answered(self._told(None))
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    def _person(self, request: HTTPConnection) -> Person | None:
        session = request.cookies.get(COOKIE, "")
        return self._authority.who(session) if session else None

    def _told(self, person: Person | None) -> dict[str, Any]:
        return {
            "asks_for": self._authority.asks_for if self._orders is not None else "",
            "name": person.name if person else "",
            "csrf": person.csrf if person else "",
        }

    def _commander(self, request: Request) -> Person:
        """Whoever is logged in, and says so in a header that no other page can send."""
        person = self._person(request)
        if person is None or self._orders is None:
            raise HTTPException(403, "this dashboard only shows, unless you log in")
        if not _same(request.headers.get("x-csrf-token", ""), person.csrf):
            raise HTTPException(403, "the form is out of date: reload the page")
        return person

    # -- commanding ---------------------------------------------------------------------------

    async def command(self, request: Request) -> Response:
        """Send one message to one agent."""
        person, body = self._commander(request), await _body(request)
        agent, message, args = body.get("agent"), body.get("message"), body.get("args", {})
        ttl = body.get("ttl")
        is_right = isinstance(agent, str) and isinstance(message, str) and isinstance(args, dict)
        if not is_right or not (ttl is None or isinstance(ttl, (int, float))):
            raise HTTPException(400, "a command has agent, message, args and perhaps ttl")
        return await self._give(person, str(agent), str(message), args, ttl=ttl)

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge one alarm, in the name of whoever is logged in."""
        person, body = self._commander(request), await _body(request)
        agent, alarm = body.get("agent"), body.get("alarm")
        if not isinstance(agent, str) or not isinstance(alarm, str):
            raise HTTPException(400, "an alarm has agent and alarm")
        args = {"alarm": alarm, "by": person.name}
        return await self._give(person, agent, "acknowledge", args, ttl=None)

    async def _give(
        self, person: Person, agent: str, message: str, args: dict[str, Any], *, ttl: float | None
    ) -> Response:
        if not self._authority.may_command(person, agent, message) or self._orders is None:
            raise HTTPException(403, f"{person.name} may not send {message} to {agent}")
        try:
            command_id = self._orders.give(person.name, agent, message, args, ttl=ttl)
        except (PyrosError, TypeError, ValueError) as error:
            raise HTTPException(400, str(error)) from None
        return answered({"id": command_id}, 202)

    # -- what is asked for ---------------------------------------------------------------------

    async def about(self, request: Request) -> Response:
        """What an agent understands and measures."""
        member = self._watch.fleet.get(request.path_params["agent"])
        if member is None or member.about is None:
            raise HTTPException(404, "this agent has not said what it understands")
        return answered(described(member.about))

    async def series(self, request: Request) -> Response:
        """What can be plotted, and is called like `q`; several words narrow it down."""
        words = request.query_params.get("q", "").lower().split()[:8]
        found = []
        for agent, channel, field in self._watch.memory.series():
            name = f"{agent}/{channel}" + (f".{field}" if field else "")
            if all(word in name for word in words):
                found.append(name)
        return answered({"series": found[:MOST_CHANNELS], "count": len(found)})

    async def history(self, request: Request) -> Response:
        """What one series has measured in the last `span` seconds, in at most `points`."""
        name = request.query_params.get("series", "")
        try:
            agent, channel, field = series_key(name)
            span = min(max(float(request.query_params.get("span", "900")), 1.0), 7 * 86_400.0)
            points = min(max(int(request.query_params.get("points", "800")), 10), 5_000)
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        stop = time.time()

        def read() -> tuple[list[float], list[float]]:
            read_from = self._watch.history.read
            samples = read_from(agent, channel, stop - span, stop + 1.0, every=span / points)
            return thinned(*column(samples, field), points)

        times, values = await run_in_threadpool(read)
        return answered({"series": name, "t": times, "v": values} | self._told_of(name))

    def _told_of(self, name: str) -> dict[str, Any]:
        agent, channel, _ = series_key(name)
        member = self._watch.fleet.get(agent)
        about = member.about.telemetry.get(channel) if member and member.about else None
        if about is None:
            return {"unit": "", "description": "", "range": None}
        return {"unit": about.unit, "description": about.description, "range": about.range}

    async def image(self, request: Request) -> Response:
        """A preview of one of the last images."""
        try:
            png = await run_in_threadpool(self._watch.images.preview, request.path_params["key"])
        except NoPreview as reason:
            raise HTTPException(404, str(reason)) from None
        return Response(png, media_type="image/png", headers={"Cache-Control": "max-age=86400"})

    # -- live ---------------------------------------------------------------------------------

    async def live(self, socket: WebSocket) -> None:
        """Tell one browser everything, as long as it listens."""
        if self._viewers >= MOST_VIEWERS:
            await socket.close(1013, "too many browsers")
            return
        self._viewers += 1
        try:
            await socket.accept()
            viewer = Viewer(self._watch, self._pages, self._hello())
            async with _ending_together() as tasks:
                tasks += [
                    asyncio.create_task(_listen(socket, viewer)),
                    asyncio.create_task(_speak(socket, viewer)),
                ]
        finally:
            self._viewers -= 1

    def _hello(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "root": settings.root,
            "version": __version__,
            "build": self._assets.build,
            "brokers": [str(one) for one in settings.brokers],
            "site": sky.site_of(settings.observatory),
            "sky": sky.clock_of(settings.observatory),
        }


def answered(value: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(as_text(wire.compact(value)), status, media_type="application/json")


def as_text(text: str) -> str:
    """Replace what is no Unicode text: JSON from the bus may hold lone surrogates."""
    return text if text.isascii() else text.encode(errors="replace").decode()


async def _listen(socket: WebSocket, viewer: Viewer) -> None:
    while True:
        try:
            viewer.hear(await socket.receive_text())
        except BadWish as error:
            await socket.close(1008, str(error)[:100])
            return
        except (WebSocketDisconnect, KeyError):
            return


async def _speak(socket: WebSocket, viewer: Viewer) -> None:
    try:
        while socket.application_state is WebSocketState.CONNECTED:
            await socket.send_text(as_text(await viewer.next_frame()))
    except TimeoutError:
        await socket.close(1001, "no acknowledgement")
    except (WebSocketDisconnect, RuntimeError):
        return


@contextlib.asynccontextmanager
async def _ending_together() -> AsyncIterator[list[asyncio.Task[None]]]:
    """When one of the tasks ends, the others are ended."""
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("a browser was hung up on", exc_info=ended)


async def _body(request: Request) -> dict[str, Any]:
    """Read a JSON object; another page's form cannot send this content type unasked."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "application/json only")
    try:
        body = wire.strict((await request.body()).decode())
    except ValueError as error:
        raise HTTPException(400, f"not JSON: {error}") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "a JSON object, please")
    return body


async def _in_words(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = error.detail if isinstance(error, HTTPException) else "an error in the dashboard"
    return answered({"error": text}, status)


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
