"""Log records on a terminal: what they carry neither drives it nor forges a record."""

from __future__ import annotations

import logging
import re

import pytest

from pyros_mqtt.cli.log_form import LONGEST, MOST_LINES, Complaint, Record

EVIL = "x\x1b[2Jevil\x1b]0;t\x07\nfake line\u202e\x9b"


def record(text: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    raised = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("pyros.dome", logging.INFO, __file__, 1, text, args, raised)


def raised(text: str) -> Exception:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(text)
    return caught.value


def test_control_characters_and_line_ends_of_a_message_are_shown_as_escapes() -> None:
    (line,) = Record().format(record("it said %s", EVIL)).split("\n")
    assert line.isprintable()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}Z INFO pyros\.dome: it said x\\x1b.*\\nfake.*", line)
    assert Complaint().format(record(EVIL)).isprintable()


def test_a_long_message_is_cut_and_says_so() -> None:
    text = Record().format(record("%s", "x" * 250_000))
    assert len(text) < LONGEST + 100
    assert text.endswith("... (249500 more characters)")


def test_a_traceback_keeps_its_lines_and_no_line_of_its_text_passes_for_a_record() -> None:
    text = Record().format(record("it broke", error=raised(EVIL + "\n12:00:00.000Z INFO y: z")))
    first, *rest = text.split("\n")
    assert first.endswith("INFO pyros.dome: it broke")
    assert rest[0] == "  Traceback (most recent call last):"
    assert "  12:00:00.000Z INFO y: z" in rest
    assert all(line.startswith("  ") and line.isprintable() for line in rest)


def test_a_traceback_with_a_long_text_is_cut() -> None:
    text = Record().format(record("it broke", error=raised("x\n" * 5000 + "y" * 5000)))
    assert len(text.split("\n")) == MOST_LINES + 2
    assert max(map(len, text.split("\n"))) < LONGEST + 100


def test_the_record_itself_stays_as_it_was() -> None:
    one = record("it said %s", EVIL, error=raised("no"))
    Record().format(one)
    assert one.getMessage() == f"it said {EVIL}"
    assert one.exc_info
    assert one.exc_text is None
