"""The pages that are built are up to date."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.docs.pages import DOCS


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "build_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(180)  # a process for the help of each command
@pytest.mark.parametrize("page", ["api.md", "cli.md"])
def test_a_built_page_is_up_to_date(builder: ModuleType, page: str) -> None:
    written = (DOCS / "reference" / page).read_text("utf-8")
    assert builder.PAGES[page]() == written, "run scripts/docs"
