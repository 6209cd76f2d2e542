"""The door of a dashboard that is not for everybody: a login page, which needs no JavaScript."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import parse_qs

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pyros_mqtt.dashboard.answers import answered
from pyros_mqtt.dashboard.authority import Authority, Person, Refused
from pyros_mqtt.dashboard.visitors import COOKIE, Visitors

LOGIN = "/login"
OPEN = ("/page/",)
"""What everybody may have: the page's own files, which are in every copy of this package."""

AT_ONCE = 2
"""Passwords that are looked at at the same time: each takes 64 MiB."""

STRANGER = 4401
"""The code with which a live connection of nobody is closed."""

_TEMPLATE = (Path(__file__).parent / "login.html").read_text("utf-8")


class Entrance:
    """Lets nobody pass who is not known, where the authority is one that closes the door.

    Args:
        app: what is behind it.
        authority: lets people in.
        visitors: knows who asks.
    """

    def __init__(self, app: ASGIApp, authority: Authority, visitors: Visitors) -> None:
        self._app = app
        self._authority = authority
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request."""
        if not self._authority.is_closed or scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        asking = HTTPConnection(scope)
        refusal = self._refusal(asking)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # a browser is told the reason of an end, but not that of a refusal
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": STRANGER, "reason": "not logged in"})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, asking: HTTPConnection) -> Response | None:
        path = asking.url.path
        if not self._visitors.may_come(asking):
            text = "only by way of a proxy in dashboard_proxies\n"
            return PlainTextResponse(text, 403)
        if path == LOGIN or path.startswith(OPEN):
            return None
        person = self._visitors.person(asking)
        if person is None:
            is_page = path == "/"
            nobody = answered({"error": "not logged in"}, 401)
            return RedirectResponse("login", 303) if is_page else nobody
        if not self._authority.may_view(person):
            return answered({"error": f"the role of {person.name} does not let her see this"}, 403)
        return None


class Login:
    """The login page.

    Args:
        authority: lets people in.
        visitors: knows from where somebody comes.
    """

    def __init__(self, authority: Authority, visitors: Visitors) -> None:
        self._authority = authority
        self._visitors = visitors
        self._turns = anyio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        """What is answered here; nothing where nobody needs to log in."""
        if not self._authority.is_closed:
            return []
        return [Route(LOGIN, self.show), Route(LOGIN, self.admit, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """Ask for name and password."""
        if self._visitors.viewer(request):
            return RedirectResponse("./", 303)
        return _page()

    async def admit(self, request: Request) -> Response:
        """Let somebody in who knows her password."""
        name, password = _form(await request.body())
        try:
            async with self._turns:
                person = await run_in_threadpool(
                    self._authority.admit, name, password, self._visitors.address(request)
                )
        except Refused as refusal:
            return _page(name, str(refusal), refusal.wait)
        answer = RedirectResponse("./", 303)
        give_cookie(answer, person, is_secure=self._visitors.is_secure(request))
        return answer


def _form(body: bytes) -> tuple[str, str]:
    """Read name and password; empty ones where it is another form."""
    try:
        form = parse_qs(body.decode(errors="replace"), max_num_fields=10)
    except ValueError:
        form = {}
    return form.get("name", [""])[0], form.get("password", [""])[0]


def give_cookie(answer: Response, person: Person, *, is_secure: bool) -> None:
    """Let the browser know itself again; no script reads it, and no other site sends it."""
    answer.set_cookie(COOKIE, person.session, httponly=True, samesite="strict", secure=is_secure)


def _page(name: str = "", trouble: str = "", wait: int = 0) -> Response:
    said = f'<p class="tone-bad" id="trouble" role="alert">✕ {html.escape(trouble)}</p>'
    text = _TEMPLATE.replace("{trouble}", said if trouble else "", 1)
    text = text.replace("{name}", html.escape(name[:64], quote=True), 1)
    text = text.replace("{autofocus-name}", "" if name else "autofocus", 1)
    text = text.replace("{autofocus-password}", "autofocus" if name else "", 1)
    status = 429 if wait else 403 if trouble else 200
    headers = {"Retry-After": str(wait)} if wait else {}
    return Response(text, status, headers, "text/html")
