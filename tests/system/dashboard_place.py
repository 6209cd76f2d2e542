"""A real `pyros dashboard` and a real Chromium that looks at it."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from pyros_mqtt.settings import BrokerUrl
from tests.system.pyros_command import Pyros, Running

DESKTOP = {"width": 1600, "height": 1000}
TELEPHONE = {"width": 390, "height": 844}

TOKEN = "a token of this test"

NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
OUTAGE = ("WebSocket connection", "ERR_CONNECTION", NETWORK_CHANGED)
"""What the browser says where a server was away, or the machine's network changed."""

# No sandbox: tests run as root in CI. Nothing is fetched from anywhere but this machine.
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(ARGUMENTS)
        )
        try:
            yield browser
        finally:
            browser.close()


class DashboardPlace:
    """`pyros dashboard` at a port that stays, so that a page finds it again after a restart."""

    def __init__(self, folder: Path, url: BrokerUrl, root: str, **variables: str) -> None:
        self._port = "0"
        self.url = ""
        variables = {"PYROS_BROKERS": str(url), "PYROS_ROOT": root, **variables}
        self._pyros = Pyros(folder, **variables)
        self._stack = contextlib.ExitStack()
        self.process: Running | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        running = self._pyros.running("dashboard", "--port", self._port)
        self.process = self._stack.enter_context(running)
        line = self.process.until("The dashboard is at ")
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line
        self.url, self._port = found[0], found[1]

    def kill(self) -> None:
        """End it without a goodbye."""
        assert self.process is not None
        self.process.end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it stand still: its connections stay, and nothing comes out of them."""
        assert self.process is not None
        self.process.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.process.send_signal(signal.SIGCONT)

    def end(self) -> int:
        """Ask it to end, and give its exit code."""
        assert self.process is not None
        return self.process.end(signal.SIGTERM)


class Look:
    """One person's browser, at one size."""

    def __init__(self, browser: Browser, size: dict[str, int], **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme="dark",
            **options,
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        """What the browser has complained of: errors, violations of the policy, other hosts."""
        self._network_changed = False
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: Any) -> None:
        self._network_changed |= NETWORK_CHANGED in message.text
        is_outage = any(word in message.text for word in OUTAGE)
        if message.type in {"error", "warning"} and not is_outage:
            self.complaints.append(message.text)

    def at(self, url: str) -> Page:
        """Go there, and wait until the fleet is shown.

        Chromium drops what it loads when an interface of the machine comes or goes, as they do
        where other tests start containers: then it loads the page again.
        """
        while True:
            self._network_changed = False
            try:
                self.page.goto(url)
                self.page.wait_for_selector("#head h1")
            except Error as error:
                if not (self._network_changed or NETWORK_CHANGED in str(error)):
                    raise
            else:
                return self.page

    def close(self) -> None:
        """Close it."""
        self.context.close()
