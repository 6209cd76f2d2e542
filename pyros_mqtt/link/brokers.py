"""The bus over the configured brokers."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.link.connection import Access
from pyros_mqtt.link.link import Link

if TYPE_CHECKING:
    from pyros_mqtt.settings import Settings


class Brokers:
    """One link for each connection that is asked for.

    `lean` tries MQTT 3.1.1 first: for those who hear very much and need no properties, which cost
    two fifths of the time that a message takes.
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
            tls=_tls(settings),
            keepalive=max(1, round(settings.keepalive)),
            listen_qos=settings.listen_qos,
        )
        return Link(settings.brokers, access, lean=self._lean)


def _tls(settings: Settings) -> ssl.SSLContext:
    """The TLS context of the settings: our authority, and our certificate if there is one."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"TLS: ca_file {settings.ca_file}, cert_file {settings.cert_file}, "
            f"key_file {settings.key_file}: {error}"
        ) from None
    return context
