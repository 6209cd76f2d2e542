"""A broker's address: what is understood, what is refused, and that no password is shown."""

import pytest

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.settings import Settings
from pyros_mqtt.settings.broker_url import BrokerUrl


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mqtt://broker", "mqtt://broker:1883"),
        ("mqtts://broker", "mqtts://broker:8883"),
        ("ws://broker", "ws://broker:80/mqtt"),
        ("wss://broker/bus", "wss://broker:443/bus"),
        ("mqtt://broker:1884", "mqtt://broker:1884"),
        ("MQTT://Broker/", "mqtt://broker:1883"),
        ("  mqtt://127.0.0.1  ", "mqtt://127.0.0.1:1883"),
        ("mqtt://[::1]", "mqtt://[::1]:1883"),
        ("mqtt://[::1]:1884", "mqtt://[::1]:1884"),
        ("broker", "mqtt://broker:1883"),
        ("broker:1884", "mqtt://broker:1884"),
    ],
)
def test_an_address_is_read_and_shown_in_full(text: str, shown: str) -> None:
    assert str(BrokerUrl.parse(text)) == shown


def test_user_and_password_are_read_and_the_password_is_never_shown() -> None:
    url = BrokerUrl.parse("mqtts://ops:p%40ss:w%2Frd@broker")
    assert (url.username, url.password, url.host) == ("ops", "p@ss:w/rd", "broker")
    assert "p@ss" not in f"{url} {url!r}"
    assert str(url) == "mqtts://ops@broker:8883"


@pytest.mark.parametrize(
    ("text", "tls", "websocket"),
    [
        ("mqtt://b", False, False),
        ("mqtts://b", True, False),
        ("ws://b", False, True),
        ("wss://b", True, True),
    ],
)
def test_the_scheme_tells_the_kind_of_connection(text: str, *, tls: bool, websocket: bool) -> None:
    url = BrokerUrl.parse(text)
    assert (url.is_tls, url.is_websocket) == (tls, websocket)


def test_only_this_machines_own_addresses_are_loopback() -> None:
    assert all(
        BrokerUrl.parse(one).is_loopback
        for one in ("mqtt://localhost", "mqtt://127.0.0.2", "mqtt://[::1]")
    )
    assert not BrokerUrl.parse("mqtt://10.0.0.1").is_loopback


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://broker", "'http' is not one of mqtt, mqtts, ws, wss"),
        ("mqtt://", "the host is missing"),
        ("", "the host is missing"),
        ("mqtt://a b", "holds a space"),
        ("mqtt://ops:secret@bro\u2100ker", "cannot be read as a URL"),
        ("mqtt://broker:port", "the port 'port' is not a number from 1 to 65535"),
        ("mqtt://broker:0", "the port '0'"),
        ("mqtt://broker:70000", "the port '70000'"),
        ("mqtt://broker:-1", "the port '-1'"),
        ("mqtt://broker/path", "a path '/path' is for ws:// and wss:// only"),
        ("mqtt://user:a#b@broker", "write %3F and %23"),
        ("mqtt://[::1", "mqtt://localhost:1883"),
    ],
)
def test_a_bad_address_is_refused_with_the_part_that_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        BrokerUrl.parse(text)
    assert reason in str(caught.value)


def test_an_error_does_not_show_the_password() -> None:
    with pytest.raises(SettingsError) as caught:
        BrokerUrl.parse("mqtt://ops:secret@broker:99999")
    assert "secret" not in str(caught.value)
    assert "broker:99999" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "mqtt://u:url,secret@localhost:1",
        "mqtt://u:123,urlsecret@localhost:1",
        "mqtt://h:1, mqtt://u:url,secret@localhost:1",
        "mqtt://u:urlsec ret@local host:1",
        "mqtt:/u:urlsecret@localhost:1",
        "mqtt//u:urlsecret@localhost",
        "mqtt://u:urls/ecret@localhost:1",
        "mqtt://u:urls/ecret@:urlsecret@localhost:1",
        "mqtt://u:url?secret@localhost",
        "u:urlsecret:@localhost/path",
        "mqt://u:urlsecret@localhost",
    ],
)
def test_no_part_of_a_password_is_shown_wherever_the_url_is_mistyped(text: str) -> None:
    said = Settings.check(brokers=text)
    assert "host" in str(said)
    for part in ("url", "sec", "cret"):
        assert part not in str(said).replace("user:secret@host", "")
        assert part not in str(Settings.check(brokers=[text]))
