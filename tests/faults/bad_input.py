"""What an outsider may send to an inbox, and what has to be answered to it."""

from __future__ import annotations

import functools
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import strategies as st

from tests.need import CORPORA

FIELDS = (
    "message", "args", "id", "from", "ttl", "sent_at", "expires", "urgent", "session", "x-extra",
)  # fmt: skip

MAX_PAYLOAD = 256 * 1024
CASES = 42
"""Property-based cases in a batch."""

SLICES = 8
"""Batches over which the odd values are spread."""

_numbers = itertools.count(10_000_000)


@dataclass(frozen=True)
class Input:
    """One payload for an inbox."""

    kind: str
    payload: bytes
    retain: bool = False

    def fits(self, report: dict[str, Any] | None) -> bool:
        """Whether this is what the protocol has to answer, as far as it is known from outside."""
        code = self._code()
        if report is None or code == "":
            return report is None and code == ""
        said = (report.get("error") or {}).get("code")
        return code in {None, said} if said else code is None

    @property
    def is_answered(self) -> bool:
        """It is no nothing, which is ignored."""
        return self._code() != ""

    def _code(self) -> str | None:
        """The code of its refusal; empty: no answer; None: it is not known, but there is one."""
        if len(self.payload) > MAX_PAYLOAD:
            return "too-large"
        try:
            text = self.payload.decode()
        except UnicodeDecodeError:
            return "bad-encoding"
        if "\0" in text:
            return "bad-encoding"
        text = text.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
        if not text.strip():
            return ""
        if text.lstrip()[0] == "{" and not _is_json(text):
            return "bad-json"
        return "retained" if self.retain else None


def _is_json(text: str) -> bool:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if any(count > 1 for count in Counter(key for key, _ in pairs).values()):
            raise ValueError
        return dict(pairs)

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def command(field: str, value: str) -> bytes:
    """A command whose `field` is this JSON text, whatever that is."""
    n = next(_numbers)
    body = {"message": '"note"', "args": f'{{"n":{n}}}', "from": '"stranger"', "id": f'"i-{n}"'}
    text = ",".join(f'"{key}":{one}' for key, one in (body | {field: value}).items())
    return f"{{{text}}}".encode(errors="surrogatepass")


# -- what others have gathered --------------------------------------------------------------------


@functools.cache
def gathered() -> tuple[tuple[str, str, str], ...]:
    """Everything of both collections as kind, field (empty: the payload itself), and text."""
    _, _, table = (CORPORA / "parsing.js").read_text("utf-8").partition("export default")
    suite = [(one["name"], one["input"]) for one in json.loads(table.strip().rstrip(";"))]
    naughty = json.loads((CORPORA / "blns.json").read_text("utf-8"))
    cases = [(name, field, text) for name, text in suite for field in ("", *FIELDS)]
    for number, text in enumerate(naughty):
        kind = f"naughty string {number}"
        cases.append((kind, "", text))
        cases += [(kind, field, json.dumps(text, ensure_ascii=False)) for field in FIELDS]
    return tuple(cases)


def batch(number: int, batches: int) -> list[Input]:
    """The inputs of one batch of so many; together they hold everything that was gathered."""
    inputs = [
        Input(kind, command(field, text) if field else text.encode(errors="surrogatepass"))
        for kind, field, text in gathered()[number % batches :: batches]
    ]
    chance = random.Random(number)  # noqa: S311 - a game of chance that can be played again
    inputs += [Input("binary", chance.randbytes(chance.randrange(1, 400))) for _ in range(5)]
    inputs += [Input("property-based", payload) for payload in made_up(number)]
    return [*inputs, *worst(), *list(odd())[number % SLICES :: SLICES]]


# -- what is known to have broken readers before --------------------------------------------------


def worst() -> Iterator[Input]:
    """In every batch."""
    deep = {"open brackets": "[" * 100_000, "open objects": '{"a":' * 40_000}
    deep |= {f"{levels} levels": "[" * levels + "]" * levels for levels in (30, 31, 990, 100_000)}
    for kind, text in deep.items():
        yield Input(kind, command("args", f'{{"more":{text}}}'))
        yield Input(kind, text.encode())
        yield Input(kind, command("x-extra", text))
    good = command("x-extra", "1")
    for codec in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7"):
        yield Input(codec, good.decode().encode(codec))
    yield Input("twice", good[:-1] + b',"message":"note"}')
    yield Input("cut", good[:-1])
    yield Input("two", good + good)
    yield Input("retained", good, retain=True)
    yield Input("10 MB of {}", b"{}" * 5_000_000)
    yield Input("10 MB of nothing", b" " * 10_000_000)
    yield Input("10 MB of no text", b"\xff" * 10_000_000)


def odd() -> Iterator[Input]:
    """Values that are none, in every field."""
    values = (
        "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "9223372036854775808",
        "-9223372036854775809", "9" * 400, '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"a\0b"',
        "true", "null", "[]", "{}", "-1", "1e308", '""', '"+"', '"#"', '"a/b"', '"$SYS"', '"é"',
        '"9999-12-31T23:59:59.999999Z"', '"0000-00-00T00:00:00Z"', '"2026-02-30T00:00:00Z"',
        '{"n":1,"n":2}', '{"n":"1"}', '{"n":1e400}', '{"n":{"n":{}}}', '{"":0}', '{"self":1}',
    )  # fmt: skip
    for value, field in itertools.product(values, FIELDS):
        yield Input(f"{field}={value[:20]}", command(field, value))


# -- what nobody has thought of -------------------------------------------------------------------

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
_objects = st.dictionaries(
    st.sampled_from(FIELDS) | st.text(max_size=8),
    _json | st.sampled_from(["note", "abort", "ops", "2026-11-22T20:14:03Z"]),
    max_size=8,
).map(lambda body: json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass"))
_words = st.lists(st.text(max_size=9) | st.just("note") | st.just("n="), max_size=5).map(
    lambda words: " ".join(words).encode(errors="surrogatepass")
)


def made_up(number: int) -> list[bytes]:
    """Cases that hypothesis makes up, each number its own."""
    cases: list[bytes] = []

    @hypothesis.seed(number)
    @hypothesis.settings(
        max_examples=CASES,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(_objects | _words | st.binary(max_size=300))
    def gather(payload: bytes) -> None:
        cases.append(payload)

    gather()
    return cases[:CASES]
