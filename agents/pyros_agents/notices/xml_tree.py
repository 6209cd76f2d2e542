"""Text -> XML tree, for text from strangers: no entities, no document types, no network.

An entity can unfold a kilobyte into gigabytes or read a file of this machine, and a VOEvent
needs none; so a document that declares a type is refused before it is parsed.
"""

from __future__ import annotations

import re

from lxml import etree

from pyros_agents.notices.notice import UnreadableNotice

_DECLARATION = re.compile(r"\A<\?xml\b[^>]*\?>")


def parse(text: str) -> etree._Element:
    """Parse an XML document.

    Raises:
        UnreadableNotice: it declares a document type, or is not well-formed.
    """
    # what it says of its encoding is over: this is text already, and goes to the parser as UTF-8
    body = _DECLARATION.sub("", text)
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        raise UnreadableNotice("it declares a document type or entities; notices have none")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(body.encode("utf-8", "surrogatepass"), parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableNotice(f"it is no well-formed XML: {error.msg}") from None
