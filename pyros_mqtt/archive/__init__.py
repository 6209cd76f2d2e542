"""The recorder's store, and what reads it: one writer, many readers."""

from pyros_mqtt.archive.accounting import Account, Gap
from pyros_mqtt.archive.event import Event
from pyros_mqtt.archive.place import archive_url
from pyros_mqtt.archive.reading import Archive
from pyros_mqtt.archive.store import Store, open_store

__all__ = ["Account", "Archive", "Event", "Gap", "Store", "archive_url", "open_store"]
