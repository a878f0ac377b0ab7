"""What the meters of a feeder say on the wire: each for itself, or through concentrators in batches.

What they show is `metering.py`'s subject, how it travels `mqtt_field.py`'s. A meter that shows too much also
counts too much.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from devices.messages import Reading, ReadingBatch
from devices.mqtt import codec
from devices.mqtt.topics import Topics
from grid_model.network import Floats
from simulations.field import FieldModel, Moment
from simulations.metering import Concentrator, Metering
from simulations.mqtt_connection import Outgoing
from simulations.substation import Head

IsUp = Callable[[int], bool]
"""Whether the concentrator of this number, from 1, is there."""


class WireMeters:
    """The meters of one feeder that are simulated and there."""

    def __init__(
        self,
        model: FieldModel,
        topics: Topics,
        *,
        concentrated: float,
        metering: Metering | None = None,
    ) -> None:
        """`concentrated`: share of the meters whose readings come in batches; the others speak for
        themselves. A concentrator that is away takes all of its meters with it."""
        self._feeder, self._topics, self._metering = model.feeder, topics, metering
        self._meters = [customer.meter for customer in model.population.registry.customers]
        real = np.array([meter in model.real.parts.meters for meter in self._meters], dtype=bool)
        there = model.population.metered & ~real
        batched = there & (np.cumsum(there) <= round(concentrated * int(there.sum())))
        concentrators = (
            (Concentrator(tuple(self._meters), np.arange(len(self._meters))),)
            if metering is None
            else metering.concentrators
        )
        self._batched = [places[batched[places]] for places in (one.places for one in concentrators)]
        self._alone = [places[(there & ~batched)[places]] for places in (one.places for one in concentrators)]
        self._energy_kwh = np.zeros(len(self._meters))
        self._before: Moment | None = None

    def readings(self, moment: Moment, head: Head, is_up: IsUp = lambda _: True) -> Iterator[Outgoing]:
        """All of a step; call once for each."""
        moment = self._shown(moment)
        self._count_energy(moment)
        volts = self._shown_v(head.house_v)
        for number, (batched, alone) in enumerate(zip(self._batched, self._alone, strict=True), start=1):
            if not is_up(number):
                continue
            if len(batched):
                yield self._batch(batched.tolist(), moment, volts)
            for place in alone.tolist():
                reading = self._reading(place, moment, volts)
                topic = self._topics.meter_reading(self._feeder, reading.meter)
                yield Outgoing(topic, codec.encode_reading(reading))

    def _shown(self, moment: Moment) -> Moment:
        if self._metering is None or self._metering.exact:
            return moment
        return replace(moment, p_kw=self._metering.shown_kw(moment.p_kw, moment.at))

    def _shown_v(self, house_v: Floats) -> Floats | None:
        """What they show of the voltages there, to a tenth; None where they show none."""
        shown_v = house_v if self._metering is None else self._metering.shown_v(house_v)
        return None if shown_v is None else np.round(shown_v, 1)

    def _batch(self, places: list[int], moment: Moment, volts: Floats | None) -> Outgoing:
        message = ReadingBatch(
            feeder=self._feeder,
            at=moment.at,
            meters=tuple(self._meters[place] for place in places),
            p_kw=tuple(np.round(moment.p_kw[places], 3).tolist()),
            q_kvar=tuple(np.round(moment.q_kvar[places], 3).tolist()),
            v_v=None
            if volts is None
            else tuple(v if math.isfinite(v) else None for v in volts[places].tolist()),
        )
        return Outgoing(self._topics.batch(self._feeder), codec.encode_batch(message))

    def _reading(self, place: int, moment: Moment, volts: Floats | None) -> Reading:
        v = math.nan if volts is None else float(volts[place])
        return Reading(
            feeder=self._feeder,
            meter=self._meters[place],
            at=moment.at,
            p_kw=round(float(moment.p_kw[place]), 3),
            q_kvar=round(float(moment.q_kvar[place]), 3),
            v_v=(v, v, v) if math.isfinite(v) else None,
            energy_kwh=round(float(self._energy_kwh[place]), 3),
        )

    def _count_energy(self, moment: Moment) -> None:
        """Energy registers only ever grow: what a house feeds back is another register."""
        if self._before is not None:
            hours = (moment.at - self._before.at).total_seconds() / 3600
            self._energy_kwh += np.maximum(self._before.p_kw, 0.0) * hours
        self._before = moment
