"""The agent's memory: what was accepted, is running, has ended.

`SqliteJournal` survives the death of its process; `MemoryJournal` is for agents without a disk.
"""

from pyros_mqtt.journal.entry import REMEMBER, Entry, Journal, Key
from pyros_mqtt.journal.ledger import End, Ledger
from pyros_mqtt.journal.memory import MemoryJournal
from pyros_mqtt.journal.sqlite import SqliteJournal, entries_in, journal_path, open_journal

__all__ = [
    "REMEMBER",
    "End",
    "Entry",
    "Journal",
    "Key",
    "Ledger",
    "MemoryJournal",
    "SqliteJournal",
    "entries_in",
    "journal_path",
    "open_journal",
]
