"""Every page is played: its files are written, its code and its commands are run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyros_mqtt.settings import BrokerUrl
from tests.docs.pages import DOCS, ROOT, Block, blocks_of, pages
from tests.docs.playing import Player
from tests.need import CLIENTS, need

RUN = {"python", "console", "sh"}

PLAYED = [
    page
    for page in pages()
    if page.parent != DOCS / "decisions" and any(b.language in RUN for b in blocks_of(page))
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("page", PLAYED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(
    page: Path, mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    _play(blocks_of(page), mosquitto_url, topic_root, tmp_path)


def test_what_microcontrollers_need_works_on_a_broker_without_mqtt_5(
    embedded_url: BrokerUrl, topic_root: str, tmp_path: Path
) -> None:
    blocks = blocks_of(DOCS / "how-to" / "microcontrollers.md")
    older = [block for block in blocks if "mqtt5" not in block.words]
    assert len(older) < len(blocks)
    _play(older, embedded_url, topic_root, tmp_path)


def _play(blocks: list[Block], url: BrokerUrl, root: str, folder: Path) -> None:
    for client in CLIENTS:
        if any(client in block.text for block in blocks):
            need(client)
    Player(folder, url, root).play(blocks)
