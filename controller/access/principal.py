"""Who stands behind a request, once that is known. Pure."""

from dataclasses import dataclass

from controller.access.roles import PERMISSIONS, Permission


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in, and what they may do."""

    name: str | None
    """of the account, or `token:` and the name of the token; None: whoever knows the site's operator token,
    who says it with each order"""
    may: frozenset[Permission]
    feeders: frozenset[str] | None = None
    """that they may act on; None: all"""

    def is_allowed(self, permission: Permission, feeder: str | None = None) -> bool:
        """Whether they may do this on this feeder; None: what is no one feeder's takes who may act on all."""
        return permission in self.may and (self.feeders is None or feeder in self.feeders)

    def is_allowed_somewhere(self, permission: Permission) -> bool:
        """Whether they may do this on any feeder; on which one is to be asked once that is known."""
        return permission in self.may


KEY_HOLDER = Principal(None, frozenset(PERMISSIONS) - {"accounts"})
"""Whoever shows the site's operator token."""
