"""Readers of the documentation have `pyros` on their path."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _pyros_is_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([here, os.environ["PATH"]]))
