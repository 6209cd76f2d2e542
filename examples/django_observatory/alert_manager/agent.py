"""The agent that keeps alerts as rows of the project's database."""

from typing import Annotated

from pydantic import Field

from alert_manager.models import Alert
from pyros_mqtt import Agent, on


class AlertManagerAgent(Agent):
    """Keeps each alert that it is told of."""

    def __init__(self) -> None:
        super().__init__(Agent.ALERT_MANAGER)

    @on("alert")
    def alert(
        self,
        event: Annotated[str, Field(min_length=1, max_length=100)],
        ra: Annotated[float, Field(ge=0, lt=360)],
        dec: Annotated[float, Field(ge=-90, le=90)],
    ) -> dict[str, int]:
        """Keep an alert at a position in degrees, ICRS; the same event again moves it."""
        kept, is_new = Alert.objects.update_or_create(
            event=event, defaults={"right_ascension": ra, "declination": dec}
        )
        self.log.info("%s alert %s", "new" if is_new else "moved", event)
        return {"row": kept.pk}

    @on("alerts", idempotent=True)
    def alerts(self) -> list[str]:
        """Tell the names of all events, the latest first."""
        return list(Alert.objects.order_by("-pk").values_list("event", flat=True))
