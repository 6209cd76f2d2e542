"""The camera's agent: exposes, tells how far it is, and writes images with a full header."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pyros_agents.arguments import Declination, RightAscension
from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.devices.drivers import load
from pyros_agents.imaging.detector import Detector, Exposure, Image, Kind
from pyros_agents.imaging.detector_simulator import SimulatedDetector
from pyros_agents.imaging.exposure_header import Record, gaps_of, header_of, pointing_of
from pyros_agents.imaging.fits_file import file_name, why_not_written, write_image
from pyros_agents.imaging.peers import PeerWords
from pyros_mqtt import ActionFailed, Agent, Channel, every, on

Seconds = Annotated[float, Field(ge=0, le=7200, description="seconds of the sky")]

POLL = 0.5
"""Wall seconds between two reports of progress, at most."""


class Camera(Agent):
    """Takes images of the sky and writes them as FITS files, a folder for each night."""

    channels = (
        Channel("temperature", "deg_C", "of the chip", (-60, 40), deadband=0.05),
        Channel(
            "exposure",
            description="what the camera does, and how many seconds are left",
            fields=("state", "remaining"),
            rate=1,
        ),
    )

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        name: str = "camera",
        *,
        site: Mapping[str, Any] | Site | None = None,
        sky: Mapping[str, Any] | SkyClock | None = None,
        images: str | Path = "images",
        driver: str | Detector = "simulator",
        driver_options: Mapping[str, Any] | None = None,
        header_deadline: float = 15.0,
        **options: Any,
    ) -> None:
        """Connect to the detector.

        Args:
            name: the agent's.
            site: the place, a table of the configuration.
            sky: the sky's clock, a table of the configuration.
            images: the folder that holds the nights' folders.
            driver: `simulator`, or `package.module:Class` of a detector.
            driver_options: what that class is made with.
            header_deadline: wall seconds after which no peer's word is waited for.
            options: the agent's.
        """
        super().__init__(name, **options)
        self.site, self.clock = Site.of(site), SkyClock.of(sky)
        self.images = Path(images)
        self.detector: Detector = load(
            driver, SimulatedDetector, clock=self.clock, **(driver_options or {})
        )
        self._peers = {
            "telescope": self.follow("telescope", "pointing"),
            "dome": self.follow("dome", "shutter"),
            "weather": self.follow("weather", "conditions"),
        }
        self._header_deadline = header_deadline
        self._state = "idle"

    @on("expose", ttl=60)
    def expose(  # noqa: PLR0913 - what an exposure is, by name
        self,
        *,
        seconds: Seconds,
        filter: str | None = None,  # noqa: A002 - the message's word
        object: str = "",  # noqa: A002 - the message's word
        ra: RightAscension | None = None,
        dec: Declination | None = None,
        kind: Kind = "light",
    ) -> dict[str, Any]:
        """Take an image and write it; the header's gaps are listed in the result."""
        words = PeerWords(self._peers, self._header_deadline)
        place = self._place(words, ra, dec)
        exposure = Exposure(seconds, self._checked(filter), kind, *place)
        began = self.clock.now()
        image = self._expose(exposure, words)
        record = Record(
            exposure=exposure,
            begun=began,
            target=object,
            ra=ra,
            dec=dec,
            temperature=self.detector.temperature,
            instrument=self.detector.instrument,
            site=self.site,
        )
        self._hear_the_rest(words)
        path = self._write(record, image, words)
        return {
            "path": str(path),
            "night": record.night,
            "date_obs": record.date_obs + "Z",
            "seconds": seconds,
            "filter": exposure.filter,
            "kind": kind,
            "object": object,
            "gaps": list(gaps_of(words.words)),
        }

    @on("stop")
    def stop_exposure(self) -> None:
        """Give up the exposure that runs, without an image; `abort` does the same."""
        self.cancel_running("the exposure is to stop")

    @every(seconds=1)
    def measure(self) -> None:
        """Publish the chip's temperature and what the camera does."""
        self.telemetry("temperature", round(self.detector.temperature, 2))
        self._show(self._state)

    def _checked(self, word: str | None) -> str:
        filters = self.detector.instrument.filters
        if word is not None and word not in filters:
            raise ActionFailed(
                f"there is no filter {word!r}, there are {', '.join(filters)}", code="no-filter"
            )
        return word or filters[0]

    def _place(
        self, words: PeerWords, ra: float | None, dec: float | None
    ) -> tuple[float | None, float | None]:
        """Tell where the telescope looks: by its own word, else where it was asked to look."""
        return pointing_of(words.words) or (ra, dec)

    def _expose(self, exposure: Exposure, words: PeerWords) -> Image:
        """Expose and read out; whatever ends it early ends the detector's exposure, too."""
        self.detector.start(exposure)
        self._show("exposing")
        try:
            total = max(self.detector.remaining(), 1e-6)
            while (left := self.detector.remaining()) > 0:
                self.progress(1.0 - left / total, f"{total - left:.0f} of {total:.0f} s")
                self.sleep(min(self.clock.wall_seconds(left), POLL))
                words.look()
            self._show("reading")
            return self.detector.read()
        except BaseException:
            self.detector.abort()
            raise
        finally:
            self._show("idle")

    def _hear_the_rest(self, words: PeerWords) -> None:
        """Wait for peers that are late, as long as the one deadline for all of them lasts."""
        while words.is_worth_waiting:
            self.progress(None, f"waiting for the word of {', '.join(words.gaps)}")
            self.sleep(0.1)
            words.look()

    def _write(self, record: Record, image: Image, words: PeerWords) -> Path:
        name = file_name(record.date_obs, record.target, record.exposure.filter)
        folder = self.images / record.night
        try:
            return write_image(folder, name, image, header_of(record, words.words))
        except OSError as error:
            raise ActionFailed(why_not_written(folder, name, error), code="disk") from error

    def _show(self, state: str) -> None:
        self._state = state
        left = self.detector.remaining() if state == "exposing" else 0.0
        self.telemetry("exposure", {"state": state, "remaining": round(left, 1)})
