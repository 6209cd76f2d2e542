"""Links between pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages, prose_of

_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_resolve(page: Path) -> None:
    broken = [link for link in _links(page) if not _resolves(page, link)]
    assert not broken, f"{page.relative_to(ROOT)}: {broken}"


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {(index.parent / link.partition("#")[0]).resolve() for link in _links(index)}
    wanted = {page for page in pages() if "decisions" not in page.parts and page != index}
    assert not [str(page.relative_to(ROOT)) for page in wanted - reached]


def _links(page: Path) -> list[str]:
    found = [match["target"] for match in _LINK.finditer(prose_of(page))]
    return [link for link in found if "://" not in link and not link.startswith("mailto:")]


def _resolves(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them."""
    titles = (match["title"].lower() for match in _HEADING.finditer(page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.strip()).replace(" ", "-") for title in titles}
