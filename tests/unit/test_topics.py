"""The topic tree and the rule for names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.errors import BadName
from pyros_mqtt.topics import Address, Topics, check_name, matches, overlap

BAD_NAMES = [
    "", "+", "#", "a/b", "/", "$SYS", "A", "Dome", "é", "a b", " a", "a ", "-a", "_a", "a.b",
    "a\0b", "a\n", "a" * 64, None, 5, b"dome", ["dome"],
]  # fmt: skip


@pytest.mark.parametrize("name", ["a", "7", "dome", "dome-2", "alert_manager", "a" * 63])
def test_a_good_name_is_returned(name: str) -> None:
    assert check_name("agent", name) == name


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused_wherever_it_is_constructed(name: str) -> None:
    topics = Topics()
    for construct in (
        lambda: check_name("agent", name),
        lambda: topics.inbox(name),
        lambda: topics.status(name),
        lambda: topics.about(name),
        lambda: topics.outbox(name, "ops"),
        lambda: topics.outbox("dome", name),
        lambda: topics.telemetry("dome", name),
        lambda: topics.alarm("dome", name),
        lambda: topics.log("dome", name),
        lambda: topics.client_id(name),
        lambda: Topics(name),
    ):
        if construct is not None:
            try:
                construct()
            except BadName as error:
                assert error.name is not None or name is None  # noqa: PT017
            except (AttributeError, TypeError):
                assert not isinstance(name, str)
            else:
                assert name == "a/b", "only a root may have levels"


def test_the_error_says_what_is_allowed() -> None:
    with pytest.raises(BadName, match=r"agent 'Dome' is not a valid name: use 1 to 63 of a-z"):
        check_name("agent", "Dome")


def test_the_tree_is_as_in_the_protocol() -> None:
    topics = Topics()
    assert topics.inbox("dome") == "pyros/dome/inbox"
    assert topics.outbox("dome", "ops") == "pyros/dome/outbox/ops"
    assert topics.status("dome") == "pyros/dome/status"
    assert topics.about("dome") == "pyros/dome/about"
    assert topics.telemetry("dome", "azimuth") == "pyros/dome/telemetry/azimuth"
    assert topics.alarm("dome", "rain") == "pyros/dome/alarm/rain"
    assert topics.log("dome", "info") == "pyros/dome/log/info"
    assert topics.every("outbox", "ops") == "pyros/+/outbox/ops"
    assert topics.every("status") == "pyros/+/status"


def test_a_root_may_have_levels_and_the_client_id_has_none() -> None:
    topics = Topics("esp/t60")
    assert topics.inbox("dome") == "esp/t60/dome/inbox"
    assert topics.client_id("dome") == "esp-t60-dome"
    assert Topics().client_id("dome") == "pyros-dome"


@pytest.mark.parametrize("root", ["", "/", "a/", "/a", "a//b", "A", "a/+", "#"])
def test_a_bad_root_is_refused(root: str) -> None:
    with pytest.raises(BadName):
        Topics(root)


@pytest.mark.parametrize(
    ("topic", "address"),
    [
        ("esp/t60/dome/status", Address("dome", "status")),
        ("esp/t60/dome/outbox/ops", Address("dome", "outbox", "ops")),
        ("esp/t60/dome/telemetry/a/b", Address("dome", "telemetry", "a/b")),
        ("esp/t60/dome", None),
        ("esp/t60/dome/", None),
        ("esp/t60/Dome/status", None),
        ("esp/t60//status", None),
        ("esp/t61/dome/status", None),
        ("esp/t60dome/status", None),
        ("", None),
    ],
)
def test_a_topic_tells_whose_it_is(topic: str, address: Address | None) -> None:
    assert Topics("esp/t60").parse(topic) == address


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/+", "a", False),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("#", "a/b", True),
        ("+/b", "a/b", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("a/b", "a/B", False),
        ("a/+/c", "a//c", True),
    ],
)
def test_a_pattern_covers_a_topic(pattern: str, topic: str, *, expected: bool) -> None:
    assert matches(pattern, topic) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/+/c", "a/b/+", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a", "a/b", False),
        ("a/b", "a/c", False),
        ("a/+/c", "a/+/d", False),
        ("+/outbox/ops", "+/status", False),
        ("#", "x/y/z", True),
    ],
)
def test_patterns_that_share_a_topic_overlap(one: str, other: str, *, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


LEVELS = st.sampled_from(["a", "b", "+"])
PATTERNS = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]),
    st.lists(LEVELS, min_size=1, max_size=3),
    st.sampled_from([[], ["#"]]),
)
TOPICS = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4).map("/".join)


@given(PATTERNS, PATTERNS, TOPICS)
def test_no_topic_is_covered_by_two_that_do_not_overlap(one: str, other: str, topic: str) -> None:
    if matches(one, topic) and matches(other, topic):
        assert overlap(one, other)


@given(st.text(max_size=8))
def test_no_name_that_is_taken_has_a_wildcard(name: str) -> None:
    try:
        check_name("agent", name)
    except BadName:
        return
    assert not set(name) & set("+#/$\0 ")
