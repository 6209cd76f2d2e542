"""What a page asks for when somebody wants to know more."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pyros_mqtt.dashboard.answers import answered
from pyros_mqtt.dashboard.forms import described
from pyros_mqtt.dashboard.history import column, thinned
from pyros_mqtt.dashboard.images import NoPreview
from pyros_mqtt.dashboard.stream import series_key
from pyros_mqtt.dashboard.watch import Watch

_BOOKKEEPING = re.compile(r"[^/]+/(?:(?:alarms|traffic|tasks)\..+|host-.+)")
"""Counts of the watchman, the recorder, the gateway and Celery, and each machine's own state."""

MOST_SERIES = 400
"""In one answer to a search."""

LONGEST_SPAN = 7 * 86_400.0
MOST_POINTS = 5_000

AT_ONCE = 2
"""Histories that are read at a time, so that many plots take no more memory than two."""


class Queries:
    """Answers questions about what is watched."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._turn = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route("/api/health", self.health),
            Route("/api/about/{agent}", self.about),
            Route("/api/series", self.series),
            Route("/api/history", self.history),
            Route("/api/images/{key}.png", self.image),
        ]

    async def health(self, _: Request) -> Response:
        """Tell a monitor whether the dashboard has a broker."""
        broker = self._watch.broker()
        return answered(broker, 200 if broker["up"] else 503)

    async def about(self, request: Request) -> Response:
        """What an agent understands and measures."""
        member = self._watch.fleet.get(request.path_params["agent"])
        if member is None or member.about is None:
            raise HTTPException(404, "this agent has not said what it understands")
        return answered(described(member.about))

    async def series(self, request: Request) -> Response:
        """What can be plotted, and is called like `q`; several words narrow it down.

        `first` leaves out what an agent of the house tells of itself.
        """
        words = request.query_params.get("q", "").lower().split()[:8]
        found = []
        for agent, channel, field in self._watch.memory.series():
            name = f"{agent}/{channel}" + (f".{field}" if field else "")
            if all(word in name.lower() for word in words):
                found.append(name)
        first = [name for name in found if not _BOOKKEEPING.fullmatch(name)]
        told = {"series": found[:MOST_SERIES], "count": len(found)}
        return answered(told | {"first": first[:MOST_SERIES]})

    async def history(self, request: Request) -> Response:
        """What one series has measured in the last `span` seconds, in at most `points`."""
        name = request.query_params.get("series", "")
        try:
            agent, channel, field = series_key(name)
            span = min(max(float(request.query_params.get("span", "900")), 1.0), LONGEST_SPAN)
            points = min(max(int(request.query_params.get("points", "800")), 10), MOST_POINTS)
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        stop = time.time()

        def read() -> tuple[list[float], list[float]]:
            read_from = self._watch.history.read
            samples = read_from(agent, channel, stop - span, stop + 1.0, every=span / points)
            return thinned(*column(samples, field), points)

        async with self._turn:  # who waits here keeps no thread from those who log in
            times, values = await run_in_threadpool(read)
        told = self._told_of(agent, channel)
        return answered({"series": name, "t": times, "v": values} | told)

    def _told_of(self, agent: str, channel: str) -> dict[str, Any]:
        member = self._watch.fleet.get(agent)
        about = member.about.telemetry.get(channel) if member and member.about else None
        if about is None:
            return {"unit": "", "description": ""}
        return {"unit": about.unit, "description": about.description}

    async def image(self, request: Request) -> Response:
        """A preview of one of the last images."""
        try:
            png = await run_in_threadpool(self._watch.images.preview, request.path_params["key"])
        except NoPreview as reason:
            raise HTTPException(404, str(reason)) from None
        return Response(png, media_type="image/png", headers={"Cache-Control": "max-age=86400"})
