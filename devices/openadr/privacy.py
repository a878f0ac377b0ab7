"""Which programs and events a VEN sees, and how much of their targets. Pure.

Source: OpenADR 3.1.1 Definition, "Object Privacy". It holds for clients of 3.0.1 as well, whose document
leaves it open.
"""

from collections.abc import Iterable
from dataclasses import replace

from devices.openadr.objects import Stored
from devices.openadr.ports import Body
from devices.openadr.targets import ven_name_target
from devices.openadr.words_v301 import TYPED

VOUCHED = "_vouched"
"""of a ven: business logic or the clients file stand for its name, so that targets by VEN_NAME may count"""


def granted_targets(ven: Stored | None, resources: Iterable[Stored]) -> frozenset[str]:
    """What business logic granted to a ven: its own targets, those of its resources, and its name."""
    if ven is None:
        return frozenset()
    name = [ven_name_target(ven.body["venName"])] if ven.body.get(VOUCHED) else []
    own = ven.body.get("targets") or []
    return frozenset([*name, *own]).union(*(resource.body.get("targets") or [] for resource in resources))


def seen_body(body: Body, granted: frozenset[str]) -> Body:
    """A program's or event's body without the targets of its report descriptors that a VEN was not granted.

    A descriptor that is for others alone is left out: without targets it would be for everybody.
    """
    descriptors = body.get("reportDescriptors") or []
    if not any(entry.get("targets") for entry in descriptors):
        return body
    seen: list[Body] = []
    for entry in descriptors:
        targets = seen_targets(entry.get("targets"), granted)
        if targets is not None and targets != (entry.get("targets") or []):
            # without what 3.0.1 wrote, which names all of them
            seen.append(
                {name: value for name, value in entry.items() if name != TYPED} | {"targets": targets}
            )
        elif targets is not None:
            seen.append(entry)
    return {**body, "reportDescriptors": seen}


def with_seen_body(stored: Stored, granted: frozenset[str]) -> Stored:
    """The object with `seen_body`; the very same when nothing of it is hidden."""
    body = seen_body(stored.body, granted)
    return stored if body is stored.body else replace(stored, body=body)


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
