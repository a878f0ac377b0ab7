"""The journal about itself: who writes it, and where it was sealed."""

from controller.entries.journal_entry import JournalEntry


class ControllerStarted(JournalEntry, frozen=True, kw_only=True, tag="controller_started"):
    """A controller took the feeders over; commands of lower epochs are void from here."""

    epoch: int
    version: str
    feeders: tuple[str, ...]


class JournalCheckpointed(JournalEntry, frozen=True, kw_only=True, tag="journal_checkpointed"):
    """The journal up to entry `size`, sealed with the site's key: what was sealed cannot be written anew by
    whoever has the store but not the key.
    """

    size: int
    root: str
    """of the Merkle tree over the entries' links 1 ... size (RFC 9162), in base64"""
    key: str
    """name of the key"""
    signature: str
    """Ed25519 over the checkpoint's text, in base64"""
