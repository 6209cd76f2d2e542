"""The pages and answers of the dashboard, joined to one ASGI application."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from pyros_mqtt.dashboard import sky
from pyros_mqtt.dashboard.answers import in_words
from pyros_mqtt.dashboard.assets import Assets
from pyros_mqtt.dashboard.authority import Authority
from pyros_mqtt.dashboard.entrance import Entrance, Login
from pyros_mqtt.dashboard.gate import Gate
from pyros_mqtt.dashboard.live import Live
from pyros_mqtt.dashboard.orders import Orders
from pyros_mqtt.dashboard.queries import Queries
from pyros_mqtt.dashboard.shield import Shield
from pyros_mqtt.dashboard.visitors import Visitors
from pyros_mqtt.dashboard.watch import Watch
from pyros_mqtt.settings import Settings
from pyros_mqtt.version import __version__


def application(
    watch: Watch, orders: Orders | None, authority: Authority, settings: Settings
) -> ASGIApp:
    """Make the application; bus and event loop are started by whoever serves it.

    Args:
        watch: what is shown.
        orders: how commands are sent; None where nobody may command.
        authority: who may.
        settings: root, place and sky are shown, `dashboard_names` are answered to, and
            `dashboard_proxies` are believed.
    """
    assets = Assets()
    hello = _hello(settings, assets.build)
    header = settings.dashboard_person_header or ""
    visitors = Visitors(authority, header, settings.dashboard_proxies)
    live = Live(watch, lambda: hello, visitors.viewer)

    async def page(request: Request) -> Response:
        return assets.answer(request, "index.html")

    async def asset(request: Request) -> Response:
        return assets.answer(request, request.path_params["name"])

    routes = [
        Route("/", page),
        Route("/page/{name:path}", asset),
        WebSocketRoute("/api/live", live.serve),
        *Login(authority, visitors).routes(),
        *Gate(authority, orders, visitors).routes(),
        *Queries(watch).routes(),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: in_words})
    return Shield(Entrance(app, authority, visitors), settings.dashboard_names)


def _hello(settings: Settings, build: str) -> dict[str, Any]:
    """What a browser is told first."""
    return {
        "root": settings.root,
        "version": __version__,
        "build": build,
        "brokers": [str(one) for one in settings.brokers],
        "rules": any(one.enabled for one in settings.alarms.rules.values()),
        "site": sky.site_of(settings.observatory),
        "sky": sky.clock_of(settings.observatory),
    }
