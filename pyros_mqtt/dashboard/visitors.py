"""Who asks, and from where: by the cookie of a session, or by a proxy's word."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.requests import HTTPConnection

from pyros_mqtt.dashboard.authority import Authority, Person

COOKIE = "pyros_session"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Visitors:
    """Reads from a request who it is from.

    Headers of proxies are believed from the `proxies` alone: from all others they are ignored.

    Args:
        authority: knows whose session a cookie is.
        header: in which a proxy names who it has let in; empty: none does.
        proxies: from where that is believed.
    """

    def __init__(
        self, authority: Authority, header: str = "", proxies: Iterable[Network] = ()
    ) -> None:
        self._authority = authority
        self._header = header
        self._proxies = tuple(proxies)

    def person(self, asking: HTTPConnection) -> Person | None:
        """Who asks; None: nobody that we know."""
        if self._header and self.is_proxied(asking):
            names = asking.headers.getlist(self._header)
            if names:
                # twice is once too often: a proxy that adds hers to a visitor's own
                return self._authority.vouched(names[0]) if len(names) == 1 else None
        session = asking.cookies.get(COOKIE, "")
        return self._authority.who(session) if session else None

    def viewer(self, asking: HTTPConnection) -> bool:
        """Whether whoever asks may see what is shown."""
        return self._authority.may_view(self.person(asking))

    def is_proxied(self, asking: HTTPConnection) -> bool:
        """Whether it came through one of the proxies."""
        peer = _read(_peer(asking))
        return peer is not None and any(peer in network for network in self._proxies)

    def may_come(self, asking: HTTPConnection) -> bool:
        """Whether a request may come from there: this machine, or a proxy where there are any."""
        peer = _read(_peer(asking))
        is_here = peer is None or peer.is_loopback
        return not self._authority.is_closed or is_here or self.is_proxied(asking)

    def address(self, asking: HTTPConnection) -> str:
        """From where it came, as far as that is known: what the last proxy says, or the peer."""
        told = asking.headers.getlist("x-forwarded-for")
        if told and self._is_near(asking):
            last = told[-1].rpartition(",")[2].strip()
            return last if _read(last) else _peer(asking)
        return _peer(asking)

    def is_secure(self, asking: HTTPConnection) -> bool:
        """Whether the browser came by HTTPS."""
        told = asking.headers.get("x-forwarded-proto", "") if self._is_near(asking) else ""
        return "https" in {asking.url.scheme, told}

    def _is_near(self, asking: HTTPConnection) -> bool:
        peer = _read(_peer(asking))
        return self.is_proxied(asking) or (peer is not None and peer.is_loopback)


def _peer(asking: HTTPConnection) -> str:
    return asking.client.host if asking.client else ""


def _read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(read, "ipv4_mapped", None) or read
