"""Which programs and events a VEN sees, and how much of their targets. Pure.

Source: OpenADR 3.1.1 Definition, "Object Privacy". It holds for clients of 3.0.1 as well, whose document
leaves it open.
"""

from collections.abc import Iterable

from devices.openadr.objects import Stored
from devices.openadr.targets import ven_name_target

VOUCHED = "_vouched"
"""of a ven: business logic or the clients file stand for its name, so that targets by VEN_NAME may count"""


def granted_targets(ven: Stored | None, resources: Iterable[Stored]) -> frozenset[str]:
    """What business logic granted to a ven: its own targets, those of its resources, and its name."""
    if ven is None:
        return frozenset()
    name = [ven_name_target(ven.body["venName"])] if ven.body.get(VOUCHED) else []
    own = ven.body.get("targets") or []
    return frozenset([*name, *own]).union(*(resource.body.get("targets") or [] for resource in resources))


def seen_targets(
    targets: Iterable[str] | None, granted: frozenset[str], asked: frozenset[str] | None = None
) -> list[str] | None:
    """The targets of a program or event that a VEN may know; None: it does not see the object at all.

    `asked` are those in its request, when it named any: it then sees only objects that have all of them,
    as far as they were granted to it.
    """
    own = list(targets or [])
    if asked is None:
        seen = [target for target in own if target in granted]
        return seen if seen or not own else None
    meant = asked & granted
    if not meant or not meant <= set(own):
        return None
    return [target for target in own if target in meant]
