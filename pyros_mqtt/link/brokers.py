"""The bus over the configured brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.link.access import Access
from pyros_mqtt.link.credentials import Credentials
from pyros_mqtt.link.link import Link

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings


class Brokers:
    """One link for each connection that is asked for.

    `lean` tries MQTT 3.1.1 first: for those who hear very much and need no properties. Since
    messages without any are read past paho, that spares a byte of each.
    """

    def __init__(self, settings: Settings, *, lean: bool = False) -> None:
        if not settings.brokers:
            raise SettingsError(
                "no broker is configured: set PYROS_BROKERS=mqtt://HOST:1883, or `brokers` in "
                "pyros.toml; `pyros broker` starts one on this machine"
            )
        self._settings = settings
        self._lean = lean

    def transport(self, client_id: str) -> Link:
        """Make one link; it is opened by its user."""
        settings = self._settings
        access = Access(
            client_id=client_id,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            credentials=self._credentials(),
            keepalive=max(1, round(settings.keepalive)),
            listen_qos=settings.listen_qos,
        )
        return Link(settings.brokers, access, lean=self._lean)

    def _credentials(self) -> Credentials | None:
        """None where TLS plays no part: the system's authorities cost 20 ms and a megabyte."""
        files = (self._settings.ca_file, self._settings.cert_file, self._settings.key_file)
        if any(files) or any(one.is_tls for one in self._settings.brokers):
            return Credentials(*files)
        return None
