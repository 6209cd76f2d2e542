"""What is said of our own certificate when a broker hangs up."""

from __future__ import annotations

import pytest

from pyros_mqtt.access import Identity
from pyros_mqtt.access.office import Office
from pyros_mqtt.cli.bus_checks import _mend
from pyros_mqtt.cli.doubt import of_our_certificate
from pyros_mqtt.cli.reach import Reach
from pyros_mqtt.settings import Settings

CLOSED = "mqtts://control:8883: the broker closed it"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office.found(tmp_path_factory.mktemp("access"), "T60", ["control"])
    office.add("ops", Identity(role="operator"))
    office.add("late", Identity(role="operator"), days=-1)
    return office


def settings(office: Office, name: str) -> Settings:
    cert, key = office.folder.certificate(name), office.folder.key(name)
    return Settings(cert_file=cert, key_file=key)


@pytest.mark.parametrize("said", ["the broker closed it", "[SSL] tlsv1 alert", "EOF occurred"])
def test_a_broker_that_hangs_up_lets_us_doubt_our_certificate(office: Office, said: str) -> None:
    told = of_our_certificate(settings(office, "ops"), f"mqtts://control:8883: {said}")
    assert "perhaps your certificate" in told
    assert "was revoked" in told
    assert "pyros access rotate late" in of_our_certificate(settings(office, "late"), said)


def test_what_has_other_reasons_is_not_put_down_to_it(office: Office) -> None:
    for said in ("Connection refused", "timed out", "SSL: certificate verify failed", ""):
        assert of_our_certificate(settings(office, "late"), said) == ""
    assert of_our_certificate(Settings(), CLOSED) == ""


def test_commands_and_the_doctor_tell_it(office: Office) -> None:
    mine = settings(office, "ops")
    reach = Reach(more={"cert_file": mine.cert_file, "key_file": mine.key_file})
    assert "perhaps your certificate" in str(reach.unreachable(CLOSED))
    assert "perhaps your certificate" in _mend(CLOSED, mine)
    assert "check its address" in _mend("timed out", mine)
