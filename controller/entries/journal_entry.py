"""What every entry of the journal has."""

from datetime import datetime

import msgspec


class JournalEntry(msgspec.Struct, frozen=True, tag_field="entry", kw_only=True):
    """Frozen; its tag is its name in the store, for ever."""

    at: datetime
    """aware UTC"""
