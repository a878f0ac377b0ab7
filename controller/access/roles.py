"""What each role may do. Pure.

Roles are those of a control room. The auditor sees all that is proven and changes nothing; the engineer
brings data in and moves no device; what moves money, ends a dispute or touches personal data takes a
supervisor. A program has no role but what its token names.
"""

from collections.abc import Mapping
from typing import Literal, get_args

Role = Literal["viewer", "operator", "supervisor", "engineer", "auditor"]
Permission = Literal[
    "look",
    "operate",
    "answer",
    "customers",
    "rewards",
    "readings",
    "disputes",
    "personal_data",
    "accounts",
    "system",
]
"""
look: feeders, events, requests · operate: limit, release, stop, exclude · answer: for a customer, to a
notice, or that they want none · customers: what one holds and was credited · rewards: facts, redemptions,
budgets, payouts · readings: late ones · disputes: open and decide · personal_data: see it and erase it ·
accounts: who may sign in, and tokens · system: the settings in force and the log, which tell how a site is
built
"""
ROLES: tuple[Role, ...] = get_args(Role)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

_MAY: Mapping[Role, frozenset[Permission]] = {
    "viewer": frozenset({"look"}),
    "operator": frozenset({"look", "operate", "answer", "customers"}),
    "supervisor": frozenset(PERMISSIONS),
    "engineer": frozenset({"look", "readings", "system"}),
    "auditor": frozenset({"look", "customers"}),
}
FOR_MACHINES: frozenset[Permission] = frozenset(PERMISSIONS) - {"accounts", "personal_data"}
"""What a token may be given: no token makes tokens, and none erases people."""


def permissions_of(role: Role) -> frozenset[Permission]:
    """All that a person with this role may do."""
    return _MAY[role]
