"""How everybody's certificates stand, as people are shown it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pyros_mqtt.access.authority import Issued
from pyros_mqtt.access.register import Register

BROKER = "broker"
"""In place of a role, for the broker's own certificate."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One certificate, or one who comes by a password; `end` in POSIX seconds.

    `state` is `valid`; `ended` for the latest of somebody; `old` for one that was replaced and
    still counts; `past` for one that does not; `revoked`; `missing` for one who is in the register
    and has none; or `password`.
    """

    name: str
    role: str
    host: str
    state: str
    end: float | None = None
    serial: str | None = None

    @property
    def is_stray(self) -> bool:
        """It is good, and the one whom it names is not in the register (any more)."""
        return self.state == "old" and not self.role

    @property
    def counts(self) -> bool:
        """Somebody gets in with it, or ought to."""
        return self.state not in {"past", "revoked"}


def standings(
    register: Register, issued: Iterable[Issued], current: Collection[int], now: float
) -> list[Standing]:
    """List them by name, the latest first; `current` are the serials of those in use."""
    found = [_standing(one, register, current, now) for one in issued]
    held = {one.name for one in found if one.state in {"valid", "ended"} and one.role != BROKER}
    for name, identity in register.identities.items():
        if identity.password or name not in held:
            state = "password" if identity.password else "missing"
            found.append(Standing(name, identity.role, identity.host, state))
    return sorted(found, key=lambda one: (one.name, -(one.end or 0)))


def _standing(one: Issued, register: Register, current: Collection[int], now: float) -> Standing:
    is_over = one.end <= now
    if one.revoked:
        state = "revoked"
    elif one.serial in current:
        state = "ended" if is_over else "valid"
    else:
        state = "past" if is_over else "old"
    known = register.identities.get(one.name)
    role = BROKER if one.is_server else known.role if known else ""
    host = one.name if one.is_server else known.host if known else ""
    return Standing(one.name, role, host, state, one.end, f"{one.serial:x}")
