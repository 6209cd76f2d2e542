"""The live connections: one WebSocket a browser."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from pyros_mqtt.dashboard.answers import as_text
from pyros_mqtt.dashboard.entrance import STRANGER
from pyros_mqtt.dashboard.stream import BadWish, Pages, Viewer
from pyros_mqtt.dashboard.watch import Watch

MOST_VIEWERS = 100

CHECK = 1.0
"""Seconds between two looks whether somebody may still see what she is told."""

FULL = f"{MOST_VIEWERS} browsers look already: close one, or start another dashboard"
"""What the next one is told; the reason of a WebSocket's end has 123 bytes at most."""

log = logging.getLogger(__name__)


class Live:
    """Tells browsers everything, as long as they listen.

    Args:
        watch: what they are told of.
        hello: makes what each is told first.
        may_view: whether whoever listens may still do so.
    """

    def __init__(
        self,
        watch: Watch,
        hello: Callable[[], dict[str, Any]],
        may_view: Callable[[WebSocket], bool],
    ) -> None:
        self._watch = watch
        self._may_view = may_view
        self._hello = hello
        self._pages = Pages(watch)
        self._viewers = 0

    async def serve(self, socket: WebSocket) -> None:
        """Serve one browser."""
        if self._viewers >= MOST_VIEWERS:
            await socket.accept()  # a browser is told no reason by one that was never accepted
            await socket.close(1013, FULL)
            return
        self._viewers += 1
        try:
            await socket.accept()
            viewer = Viewer(self._watch, self._pages, self._hello())
            async with _ending_together() as tasks:
                tasks += [
                    asyncio.create_task(_listen(socket, viewer)),
                    asyncio.create_task(_speak(socket, viewer)),
                    asyncio.create_task(self._see_out(socket)),
                ]
        finally:
            self._viewers -= 1

    async def _see_out(self, socket: WebSocket) -> None:
        """Hang up when the session has ended, or the role is taken away."""
        while True:
            await asyncio.sleep(CHECK)
            if not self._may_view(socket):
                break
        with contextlib.suppress(RuntimeError):  # it has gone already
            await socket.close(STRANGER, "logged out")


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
