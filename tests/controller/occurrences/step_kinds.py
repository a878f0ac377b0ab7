"""Each kind of step that an event's timeline may have, as it is told: from one entry of each kind, with each
value of its fields that have few."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec

from controller import entries as e
from controller.occurrences.bodies import EventBody, Step
from controller.occurrences.exports import for_whoever_looks
from controller.occurrences.index import EventIndex
from controller.occurrences.timeline import body_of
from controller.stores.port import Numbered
from tests.builders import site
from tests.controller.narration.test_telling import STORY
from tests.controller.record_builders import EVENT, T0, opened, planned

_HERE = {
    "event": EVENT,
    "feeder": "dorf",
    "feeders": ("dorf",),
    "request": f"{EVENT}-R001",
    "message": f"{EVENT}-R001/thanks/1",
}


def each_kind_of_step() -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """As whoever sees customers is told them, and as others are."""
    bodies = [body for kind in {type(entry): entry for entry, _, _ in STORY}.values() for body in _told(kind)]
    return (
        tuple(body.steps[-1] for body in bodies),
        tuple(for_whoever_looks(body).steps[-1] for body in bodies),
    )


def _told(entry: e.Entry) -> Iterator[EventBody]:
    """The event with the entry, in all its forms, as its last step; nothing where it is no step of one."""
    for form in _forms(_of_the_event(entry)):
        facts = [Numbered(n, one) for n, one in enumerate((opened(), planned(1), form), start=1)]
        index = EventIndex()
        for fact in facts:
            index.take(fact)
        event = index.event(EVENT)
        assert event is not None
        if len(facts) in event.numbers:
            yield body_of(event, facts, site())


def persisted() -> Iterator[Step]:
    """The steps that stand in no entry: how long it lasted before the event opened."""
    for checks, value in ((3, 101.0), (1, 130.0)):
        opening = msgspec.structs.replace(opened(), value=value)
        appeared = e.ViolationAppeared(
            at=T0, feeder="dorf", element=opening.element, kind=opening.kind, value=value, limit=100.0
        )
        facts = [Numbered(1, appeared), Numbered(2, opening)]
        index = EventIndex()
        for fact in facts:
            index.take(fact)
        event = index.event(EVENT)
        assert event is not None
        body = body_of(event, facts, site(), lambda *_, checks=checks: [T0] * checks)
        yield next(step for step in body.steps if step.seq is None)


def _of_the_event(entry: e.Entry) -> e.Entry:
    names = {field.name for field in msgspec.structs.fields(type(entry))}
    return msgspec.structs.replace(entry, **{n: value for n, value in _HERE.items() if n in names})


def _forms(entry: e.Entry) -> Iterator[e.Entry]:
    yield entry
    for field in msgspec.structs.fields(type(entry)):
        for value in _values(field.type):
            yield msgspec.structs.replace(entry, **{field.name: value})


def _values(kind: Any) -> tuple[Any, ...]:
    if kind is bool:
        return (False, True)
    return get_args(kind) if get_origin(kind) is Literal else ()
