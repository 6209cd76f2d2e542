"""Broken configuration files of every kind; each is refused in words that say what and where.

`python -m tests.faults.bad_files FOLDER` tries them all, and prints a line for each that is not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pyros_mqtt import Settings
from pyros_mqtt.errors import SettingsError
from tests.faults.builds import become

TOML, ENV, INI = "pyros.toml", ".env", "pyros_agent_config.ini"

DEEP = 5000

GARBAGE: tuple[bytes, ...] = (
    b"\xff\xfe\x00",
    b"\x00\x01\x02\x03" * 300,
    "root = 'a'".encode("utf-16"),
    b"\xef\xbb\xbf[",
    b"=",
    b"[",
    b"[[",
    b"]",
    b"\r\r\r",
    b"'''",
    b"x" * 100_000,
    b"[a]\n[a]\n",
    b"a = " + b"[" * DEEP,
    b"a" + b".a" * DEEP + b" = 1",
)

WRONG: dict[str, tuple[str, ...]] = {
    TOML: (
        "root = 5", "root = 'A/#'", "roof = 'pyros'", "brokers = 'http://x'", "brokers = [5]",
        "brokers = 'mqtt://host:99999'", "brokers = 'mqtt://'", "brokers = {a = 1}",
        "keepalive = -1", "keepalive = 'soon'", "beat = nan", "beat = inf", "beat = 1e999",
        "max_payload = 99999999999999999999999", "max_waiting = 0", "max_clock_skew = -1",
        "password_file = '/nowhere/at/all'", "ca_file = '/'", "journal = 'paper'",
        "log_level = 'loud'", "[agents]\ndome = 5", "[agents.'+']\nclass = 'a:B'",
        "[agents.dome]\nclass = 'a'", "[agents.dome]\nclass = 'a:B'\nhots = 'x'",
        "root = 1\nroot = 2",
        "[gateway]\nport = 1", "[gateway.agents.dome]\nreceive_port = 'x'", "agents = []",
        "observatory = 3", "sender = 'A B'", "key_file = 'x'", "state_dir = 5",
        'root = "\\ud800"',
    ),
    ENV: (
        "PYROS_ROOT=A/#", "PYROS_KEEPALIVE=soon", "PYROS_BROKERS=http://x", "PYROS_ROOF=x",
        "PYROS_AGENTS={", "PYROS_MAX_PAYLOAD=1e999", "PYROS_AGENTS=[[[[", "PYROS_ROOT='",
        "PYROS_JOURNAL=paper",
    ),
    INI: (
        "no section", "[a\nb", "[general]\nx", "[a]\n[a]\n", "[a]\nx=%(x)s",
        "[a]\nx=%(", "[a]\nx=%",
        "[dome]\nip=", "[dome]\nport=x", "[+]\nname=x", "[dome]\nreceive_port=99999999",
    ),
}  # fmt: skip


def cases() -> Iterator[tuple[str, bytes, bool]]:
    """File name, content, and whether it is certainly wrong."""
    for name, texts in WRONG.items():
        for garbage in GARBAGE:
            yield name, garbage, False
        for text in texts:
            # of what is no assignment at all, python-dotenv itself complains in the log
            yield name, text.encode(), name != INI and not text.endswith("='")


def complaint(folder: Path, name: str, content: bytes, *, is_wrong: bool) -> str | None:
    """What is wrong with how a file is taken; None where all is well."""
    file = folder / name
    file.write_bytes(content)
    what = f"{name} with {content[:40]!r}"
    try:
        Settings()
    except SettingsError as error:
        text = str(error)
        if name not in text:
            return f"{what}: the error does not say where: {text[:200]!r}"
        if len(text) > 2000 or "Traceback" in text:
            return f"{what}: the error is no sentence: {text[:200]!r}"
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return f"{what}: {type(error).__name__}: {str(error)[:200]}"
    else:
        return f"{what} is taken without a word" if is_wrong else None
    finally:
        file.unlink()
    return None


def main() -> None:
    """Try all files, and print what is wrong."""
    become()
    folder = Path(sys.argv[1])
    os.chdir(folder)
    for name, content, is_wrong in cases():
        told = complaint(folder, name, content, is_wrong=is_wrong)
        if told is not None:
            sys.stdout.write(told + "\n")


if __name__ == "__main__":
    main()
