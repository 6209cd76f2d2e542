"""The dome's agent: opens when it may, closes by itself when it must, follows the telescope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.devices.drivers import load
from pyros_agents.devices.enclosure import Enclosure, EnclosureReading, ShutterState
from pyros_agents.devices.enclosure_simulator import SimulatedEnclosure
from pyros_agents.devices.slit import way_of_the_slit
from pyros_agents.safeguards.closing import Closing
from pyros_agents.safeguards.dome_helm import DomeHelm
from pyros_agents.safeguards.last_act import POLL, LastAct
from pyros_agents.safeguards.opening_rules import EngineeringMode, OpeningCount, OpeningRules
from pyros_mqtt import ActionFailed, Agent, Channel, every, on

Seconds = Annotated[float, Field(gt=0, le=14_400, description="seconds of the sky")]

FRESH = 5.0
"""Wall seconds for which the telescope's last word on its pointing is believed."""

ORDER = "order to close"
"""What a fault is about where the driver refuses it."""


class Dome(Agent):
    """Keeps the telescope dry: opens by command and rule, closes by command or by itself."""

    channels = (
        Channel(
            "shutter",
            description="the shutter's state, and how far it is open: 0 closed, 1 open",
            fields=("state", "fraction"),
            rate=1,
            retain=True,
        ),
        Channel(
            "azimuth",
            unit="deg",
            description="where the slit looks, from north through east",
            range=(0, 360),
            rate=1,
        ),
    )

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        name: str = "dome",
        *,
        site: Mapping[str, Any] | Site | None = None,
        sky: Mapping[str, Any] | SkyClock | None = None,
        driver: str | Enclosure = "simulator",
        driver_options: Mapping[str, Any] | None = None,
        verdict_age: float = 30.0,
        close_patience: float = 60.0,
        **options: Any,
    ) -> None:
        """Connect to the dome.

        Args:
            name: the agent's.
            site: the place, a table of the configuration.
            sky: the sky's clock, a table of the configuration.
            driver: `simulator`, or `package.module:Class` of an enclosure.
            driver_options: what that class is made with.
            verdict_age: wall seconds after which a safety verdict is no news, so bad news.
            close_patience: sky seconds after which closing has failed.
            options: the agent's.
        """
        super().__init__(name, **options)
        self.clock = SkyClock.of(sky)
        self.enclosure: Enclosure = load(
            driver, SimulatedEnclosure, clock=self.clock, **(driver_options or {})
        )
        self.rules = OpeningRules(Site.of(site), verdict_age)
        self._engineering, self._openings = EngineeringMode(), OpeningCount()
        self._closing = Closing(close_patience)
        self._helm = DomeHelm(self.enclosure, self._closing, self.clock)
        self._verdict = self.follow("safety", "verdict")
        self._pointing = self.follow("telescope", "pointing")
        self._trouble, self._ends = "", False

    @on("open", ttl=10)
    def open(self) -> dict[str, Any]:
        """Open the shutter, if the safety verdict is fresh and good and the Sun is down."""
        turn, reading = self._helm.take(), self.enclosure.read()
        if reading.shutter is not ShutterState.OPEN:
            self._refuse_to_open(reading)
            if not self._helm.steer(turn, self._start_opening):
                raise ActionFailed("a later command has taken over", code="overtaken")
            try:
                reading = self._watch_the_shutter()
            except BaseException:
                self._helm.steer(turn, self.enclosure.stop)
                raise
            self._tell()
        return {"state": reading.shutter.value, "fraction": round(reading.fraction, 3)}

    @on("close")
    def close(self) -> dict[str, str]:
        """Start closing, whatever runs; the channel `shutter` tells when it is closed."""
        reading = self._look()
        if reading is not None:
            self._refuse_while_held(reading)
        closes = reading is not None and reading.shutter is ShutterState.CLOSING
        if not (closes and self._closing.is_under_way):
            self._start_closing("the dome is to be closed")
        return {"state": self._tell().shutter.value}

    @on("stop")
    def stop_motion(self) -> dict[str, str]:
        """Stop shutter and slit; where the dome may not be open, it closes again by itself."""
        self.cancel_running("the dome is to stop")
        self._helm.stop()
        return {"state": self._tell().shutter.value}

    @on("emergency_stop", urgent=True)
    def emergency_stop(self) -> None:
        """Stop, and do not move at all until `release`: a person may be in the way."""
        self.cancel_running("emergency stop")
        self._helm.hold()

    @on("release", ttl=10)
    def release(self) -> None:
        """End the emergency stop; where the dome may not be open, it closes by itself."""
        self._helm.release()

    @on("engineering", ttl=30)
    def engineering(self, *, on: bool, seconds: Seconds = 1800.0) -> dict[str, Any]:
        """Allow the dome to be open by day, for so many seconds; it does not overrule weather."""
        self._engineering.until = self.clock.elapsed() + (seconds if on else 0.0)
        return {"on": on, "seconds": seconds if on else 0.0}

    @every(seconds=1)
    def measure(self) -> None:
        """Publish shutter and slit, close where the rules say so, follow the telescope."""
        turn, reading = self._helm.turn, self.enclosure.read()
        try:
            self._close_if_it_must(turn, reading)
        finally:
            self._show_trouble(reading)
            self._publish(reading)
        self.telemetry("azimuth", round(reading.azimuth, 2))
        self._follow_the_telescope(reading)

    def shutdown(self) -> None:
        """Close and see it close, since nobody watches from now on; then end, closed or not."""
        patience = 2 * self._closing.patience  # an order that is taken late has its time, too
        LastAct(self.clock, patience, self.sleep, self.log).play(self._has_ended_closing)

    def _tell(self) -> EnclosureReading:
        """Measure and publish; also at each turn of events, so that nobody acts on old news."""
        reading = self.enclosure.read()
        self._publish(reading)
        return reading

    def _publish(self, reading: EnclosureReading) -> None:
        shutter = {"state": reading.shutter.value, "fraction": round(reading.fraction, 3)}
        self.telemetry("shutter", shutter)

    def _why_not_open(self) -> str | None:
        by_day = self._engineering.is_on(self.clock.elapsed())
        verdict = self._verdict
        return self.rules.why_not(verdict.value, verdict.age, self.clock.now(), by_day=by_day)

    def _refuse_to_open(self, reading: EnclosureReading) -> None:
        self._refuse_while_held(reading)
        if reading.shutter is ShutterState.CLOSING:
            raise ActionFailed("the shutter is closing, wait until it is closed", code="closing")
        if reason := self._why_not_open():
            raise ActionFailed(f"the dome stays closed: {reason}", code="unsafe")
        if self._openings.is_full(self.clock.elapsed()):
            count = self._openings
            raise ActionFailed(
                f"opened {count.most} times within {count.seconds:g} s already", code="too-often"
            )

    def _refuse_while_held(self, reading: EnclosureReading) -> None:
        if reading.held:
            raise ActionFailed("the emergency stop is held: send release", code="emergency-stop")

    def _start_opening(self) -> None:
        self._openings.add(self.clock.elapsed())
        self._closing.call_off()
        self.enclosure.open()

    def _start_closing(self, why: str) -> None:
        """Order it; only an order that the driver took is an attempt, another one is repeated."""
        self.cancel_running(why)
        try:
            self._helm.close()
        except Exception as error:
            self.fault(f"its driver does not take the order to close: {error}", ORDER)
            raise
        self.recover(ORDER)

    def _has_ended_closing(self) -> bool:
        """Order the last closing, once it is taken; tell whether it has come to any end."""
        if not self._ends:
            reading = self._look()
            if reading is not None and reading.held:
                return True
            self._start_closing("the dome's agent ends")
            self._ends = True
        turn, reading = self._helm.turn, self.enclosure.read()
        self._helm.judge(turn, reading)
        return not self._closing.is_under_way

    def _look(self) -> EnclosureReading | None:
        """Measure; None where that fails, since a dome that cannot be read is closed unseen."""
        try:
            return self.enclosure.read()
        except Exception:
            self.log.exception("the dome cannot be read")
            return None

    def _watch_the_shutter(self) -> EnclosureReading:
        """Wait until the shutter is open; report how far it has come."""
        while (reading := self.enclosure.read()).shutter is ShutterState.OPENING:
            self.progress(reading.fraction, f"{reading.fraction:.0%} open")
            self.sleep(POLL)
        if reading.shutter is not ShutterState.OPEN:
            raise ActionFailed(
                f"the shutter is {reading.shutter}, {reading.fraction:.0%} open", code="not-open"
            )
        return reading

    def _close_if_it_must(self, turn: int, reading: EnclosureReading) -> None:
        """Close on the dome's own judgement: once, and then see whether it does."""
        self._helm.judge(turn, reading)
        settled = reading.shutter in {ShutterState.CLOSED, ShutterState.CLOSING}
        closing = self._closing.is_under_way or self._closing.has_failed
        reason = None if settled or reading.held or closing else self._why_not_open()
        if reason is None:
            self.recover(ORDER)
        else:
            self.log.warning("the dome closes by itself: %s", reason)
            self._start_closing(reason)

    def _follow_the_telescope(self, reading: EnclosureReading) -> None:
        """Turn the slit after a telescope that looks through it."""
        if reading.shutter is not ShutterState.OPEN or not self._pointing.is_fresh(FRESH):
            return
        azimuth = way_of_the_slit(self._pointing.value, reading.azimuth)
        if azimuth is not None:
            self.enclosure.rotate(azimuth)

    def _show_trouble(self, reading: EnclosureReading) -> None:
        """Let the agent's status say what is wrong, once a change."""
        trouble = ""
        if self._closing.has_failed:
            trouble = (
                f"the shutter does not close, it is {reading.fraction:.0%} open: look at it, "
                "then send close to try once more"
            )
        elif reading.held:
            trouble = f"the emergency stop is held, the shutter is {reading.shutter}"
        if trouble == self._trouble:
            return
        self._trouble = trouble
        self.recover()
        if self._closing.has_failed:
            self.fault(trouble)
        elif trouble:
            self.degrade(trouble)
