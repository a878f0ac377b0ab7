"""What the VTN holds and who asks for it, as values. No I/O."""

from dataclasses import dataclass
from typing import Literal, get_args

from devices.openadr.ports import Body, ObjectKind

Version = Literal["3.0.1", "3.1.1"]
Role = Literal["BL", "VEN"]
KINDS: tuple[ObjectKind, ...] = get_args(ObjectKind)
VERSIONS: tuple[Version, ...] = get_args(Version)

NEED_BY_KIND: dict[ObjectKind, str] = {
    "program": "write_programs",
    "event": "write_events",
    "report": "write_reports",
    "subscription": "write_subscriptions",
    "ven": "write_vens",
    "resource": "write_vens",
}
"""the scope that writing takes, in both documents"""
READING: dict[ObjectKind, frozenset[str]] = {
    kind: frozenset({"read_all", "read_targets" if kind in ("program", "event") else "read_ven_objects"})
    for kind in KINDS
}
"""the scopes of which reading takes one: 3.0.1 has `read_all` for everybody, 3.1.1 the other two for VENs.
What of it a VEN truly sees goes by its role, not by its scopes (`privacy.py`).
"""
_BOTH = frozenset({"read_targets", "read_ven_objects", "write_subscriptions", "write_vens"})
_BL = _BOTH | {"read_all", "read_bl", "write_programs", "write_events"}
_VEN = _BOTH | {"write_reports"}
SCOPES: dict[tuple[Version, Role], frozenset[str]] = {
    ("3.1.1", "BL"): _BL,
    ("3.1.1", "VEN"): _VEN,
    ("3.0.1", "BL"): _BL,
    ("3.0.1", "VEN"): _VEN | {"read_all"},
}
"""what a client of a role may be given, by the document whose token endpoint it asks"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and what the token allows."""

    client_id: str
    role: Role
    scopes: frozenset[str]
    inside: bool = False
    """our own business logic, which has no token"""

    @property
    def is_ven(self) -> bool:
        """Sees and changes its own only."""
        return self.role == "VEN"


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as the repository holds it. Never changed, only replaced."""

    kind: ObjectKind
    id: str
    sequence: int
    """grows with every new object; the newest are shown first"""
    client_id: str | None
    """whose object it is; None for programs and events, which are business logic's"""
    created: str
    modified: str
    body: Body
    """the request in the words of 3.1.1, and what 3.0.1 says besides; names with `_` are ours"""
    size: int
    """bytes of the body as JSON"""
