"""Which vens there are and what each may see of an object's targets, for the notifiers [6]. Pure.

A VTN shows a VEN no targets but those that were granted to it (Definition 3.1.1, "Object Privacy": target
hiding).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.openadr.changes import Change
from devices.openadr.ports import Body
from devices.openadr.privacy import seen_body
from devices.openadr.targets import VEN_NAME


@dataclass(slots=True)
class _Ven:
    targets: frozenset[str] = frozenset()
    by_resource: dict[str, frozenset[str]] = field(default_factory=dict)


class Audience:
    """Learns of vens and resources as they change."""

    def __init__(self) -> None:
        self._vens: dict[str, _Ven] = {}
        self._owner_of: dict[str, _Ven] = {}
        """by resource"""

    @property
    def everybody(self) -> tuple[str, ...]:
        """The ids of all vens."""
        return tuple(self._vens)

    def seed(self, vens: Iterable[Body], resources: Iterable[Body]) -> None:
        """All there are at the start."""
        self._vens, self._owner_of = {}, {}
        for ven in vens:
            self.learn(Change("ven", "CREATE", ven))
        for resource in resources:
            self.learn(Change("resource", "CREATE", resource))

    def learn(self, change: Change) -> None:
        """Take note of a change of a ven or resource; others tell nothing."""
        object_id = str(change.body.get("id"))
        if change.kind == "ven" and change.operation == "DELETE":
            gone = self._vens.pop(object_id, _Ven())
            for resource in gone.by_resource:
                self._owner_of.pop(resource, None)
        elif change.kind == "ven":
            own = _targets(change.body) | {f"{VEN_NAME}:{change.body.get('venName')}"}
            self._vens.setdefault(object_id, _Ven()).targets = own
        elif change.kind == "resource":
            self._forget(object_id)  # it may have gone over to another ven
            owner = self._vens.setdefault(str(change.body.get("venID")), _Ven())
            if change.operation != "DELETE":
                owner.by_resource[object_id] = _targets(change.body)
                self._owner_of[object_id] = owner

    def _forget(self, resource_id: str) -> None:
        owner = self._owner_of.pop(resource_id, None)
        if owner is not None:
            owner.by_resource.pop(resource_id, None)

    def shown_to(self, ven_id: str, body: Body) -> Body:
        """The object as this ven may see it."""
        if not body.get("targets") and not body.get("reportDescriptors"):
            return body
        ven = self._vens.get(ven_id, _Ven())
        granted = ven.targets.union(*ven.by_resource.values())
        seen = seen_body(body, granted)
        if not body.get("targets"):
            return seen
        return {**seen, "targets": [target for target in body["targets"] if target in granted]}


def _targets(body: Body) -> frozenset[str]:
    return frozenset(target for target in body.get("targets") or () if isinstance(target, str))
