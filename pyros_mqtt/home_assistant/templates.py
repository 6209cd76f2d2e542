"""How Home Assistant is to read our payloads: templates in Jinja, which it runs on each message.

There a payload is `value`, and `value_json` where it is JSON. What renders as `None` makes a
sensor's state unknown; a number's sensor passes over an empty text.
See https://www.home-assistant.io/docs/configuration/templating/#mqtt and
https://www.home-assistant.io/integrations/sensor.mqtt/
"""

from __future__ import annotations

from string import ascii_letters, digits

from pyros_mqtt.messages import State

_MESSAGE = "{% set m = value_json if value_json is defined else value %}"

_VALUE = "{% set v = m['v'] if m is mapping else m %}"

_NEWEST = "{% set v = v | last if v is sequence and v is not string and v is not mapping else v %}"
"""Of a batch the newest counts."""

_QUALITY = (
    "{% set q = m['q'] if m is mapping and 'q' in m else 'good' %}"
    "{% set q = q if q is string else q | last %}"
)

_SHOWN = "{{ none if this.state in ['unknown', 'unavailable'] else this.state }}"
"""What a sensor shows already."""

_PLAIN = frozenset(ascii_letters + digits + "_-")

AVAILABLE = "online"
UNAVAILABLE = "offline"


def value(field: str, *, numeric: bool) -> str:
    """Read a bare scalar, one sample, or either batch; `field` is empty where there is none.

    A late value does not take the place of a newer one.
    """
    chosen = f"{{% set v = v[{_quoted(field)}] if v is mapping else none %}}" if field else ""
    kept = "" if numeric else _SHOWN
    return (
        f"{_MESSAGE}{{% if m is mapping and 'late' in m and m['late'] %}}{kept}{{% else %}}"
        f"{_VALUE}{chosen}{_NEWEST}{_QUALITY}{{{{ none if q == 'bad' else v }}}}{{% endif %}}"
    )


def availability() -> str:
    """Read a status document, a will, or a small device's bare word."""
    alive = ", ".join(f"'{one.value}'" for one in State if one.is_alive)
    return (
        f"{_MESSAGE}{{% set s = m['state'] if m is mapping else m %}}"
        f"{{{{ '{AVAILABLE}' if s in [{alive}] else '{UNAVAILABLE}' }}}}"
    )


def _quoted(text: str) -> str:
    """A text in a template; what could end it is written by its number."""
    letters = (one if one in _PLAIN else f"\\U{ord(one):08x}" for one in text)
    return f"'{''.join(letters)}'"
