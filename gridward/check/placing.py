"""Rows of `gridward check` placed onto the service points of one network: readings, devices, customers.

Notes what does not fit in its row, and collects warnings. Knows no files and no load flow.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from customers.registry import FLOOR_KW_BY_KIND
from grid_model.allocation import FlexibleDevice
from grid_model.connection import connection_limits_kw
from grid_model.network import Floats, Network
from grid_model.snapshot import Quality, Snapshot
from gridward.check.tables import Cells, CustomerRow, DeviceRow, ReadingRow

_CONSUMERS = frozenset({"ev_charger", "heat_pump", "air_conditioner", "boiler"})
_OTHER_WORDS = {"ev": "ev_charger", "wallbox": "ev_charger", "heatpump": "heat_pump", "pv": "pv_inverter"}
_INVERTER = "pv_inverter"
_KINDS = _CONSUMERS | {"battery", _INVERTER}
_EXAMPLES = 5


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
    return ", ".join(names[:_EXAMPLES]) + more


def _kind(row: DeviceRow) -> str:
    return _OTHER_WORDS.get(row.kind.lower(), row.kind.lower())


class Placing:
    """Puts rows onto the service points of one network; collects warnings."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._index = network.service_point_index()
        self._n_sp = len(network.service_points)
        self._id_form = f"{network.load_ids[0].partition(':')[0]}:INDEX"
        self.warnings: list[str] = []

    def place(self, cells: Cells, service_point: str) -> int | None:
        """The position of a service point; None when it is no good, and noted."""
        if not service_point:
            return None
        place = self._index.get(service_point)
        if place is not None:
            return place
        if service_point in self._network.ambiguous_names:
            expected = f"{service_point!r} is the name of several loads; expected {self._id_form} instead"
        else:
            matches = difflib.get_close_matches(service_point, self._index, n=1, cutoff=0.5)
            hint = (
                f"did you mean {matches[0]!r}?"
                if matches
                else f"for example {self._network.service_points[0]!r}"
            )
            expected = (
                f"{service_point!r} is no service point; expected a load's name or {self._id_form}, {hint}"
            )
        cells.error("service_point", expected)
        return None

    def snapshot(self, rows: Sequence[ReadingRow]) -> tuple[Snapshot, Floats]:
        """Readings as arrays; the gaps estimated and told."""
        p, q, v = (np.full(self._n_sp, np.nan) for _ in range(3))
        most = connection_limits_kw(self._network)
        seen: dict[int, int] = {}
        for row in rows:
            place = self.place(row.cells, row.service_point)
            if place is None:
                continue
            if seen.setdefault(place, row.cells.row) != row.cells.row:
                row.cells.error(
                    "service_point",
                    f"{row.service_point!r} is already in row {seen[place]}; expected each only once",
                )
                continue
            p[place] = self._within(row.cells, "p_kw", "kW", row.p_kw, float(most[place]))
            q[place] = self._within(row.cells, "q_kvar", "kvar", row.q_kvar, float(most[place]))
            v[place] = np.nan if row.v_pu is None else row.v_pu
        quality = np.where(np.isnan(p), Quality.ESTIMATED, Quality.MEASURED).astype(np.uint8)
        p = self._fill_p(p)
        return Snapshot(p, self._fill_q(p, q, quality), quality), v

    def column(self, rows: Sequence[ReadingRow], value: Callable[[ReadingRow], float | None]) -> Floats:
        """(n_sp,) one value of each row at its service point, NaN without one; rows that were accepted."""
        found = np.full(self._n_sp, np.nan)
        for row in rows:
            known = value(row)
            if known is not None:
                found[self._index[row.service_point]] = known
        return found

    @staticmethod
    def _within(cells: Cells, column: str, unit: str, value: float | None, most: float) -> float:
        if value is None:
            return np.nan
        if abs(value) > most:
            cells.error(
                column,
                f"is {value:g}; expected at most {most:.0f} {unit}, which is all that its bus can carry",
            )
            return np.nan
        return value

    def _fill_p(self, p: Floats) -> Floats:
        """Unmetered service points take what the network says, scaled as the metered ones are to theirs."""
        missing = np.isnan(p)
        if not missing.any() or missing.all():
            return np.where(missing, self._network.default_p_kw, p)
        default = self._network.default_p_kw
        expected = default[~missing].sum()
        ratio = max(float(p[~missing].sum() / expected), 0.0) if expected > 0 else 1.0
        names = [self._network.service_points[place] for place in np.flatnonzero(missing)]
        self.warnings.append(
            f"{len(names)} of {self._n_sp} service points have no reading; estimated from {ratio:.2f} times "
            f"the network's own value, as the metered ones are: {_some(names)}"
        )
        return np.where(missing, default * ratio, p)

    def _fill_q(self, p: Floats, q: Floats, quality: NDArray[np.uint8]) -> Floats:
        """Reactive power that nobody measured: from the power factor that the network states."""
        missing = np.isnan(q)
        default_p, default_q = self._network.default_p_kw, self._network.default_q_kvar
        ratio = np.divide(default_q, default_p, out=np.zeros(self._n_sp), where=default_p != 0)
        if told := [
            self._network.service_points[place]
            for place in np.flatnonzero(missing & (quality == Quality.MEASURED))
        ]:
            self.warnings.append(
                f"{len(told)} readings have no q_kvar, estimated by the network's power factor: {_some(told)}"
            )
        return np.where(missing, p * ratio, q)

    def protected(self, rows: Iterable[CustomerRow]) -> frozenset[int]:
        """Service points of critical customers."""
        placed = [(self.place(row.cells, row.service_point), row.critical) for row in rows]
        return frozenset(place for place, critical in placed if critical and place is not None)

    def devices(
        self, rows: Iterable[DeviceRow], snapshot: Snapshot, protected: frozenset[int]
    ) -> tuple[FlexibleDevice, ...]:
        """Devices with their floors; none takes, and no inverter feeds in, more than its service point
        does."""
        placed = [(row, self.place(row.cells, row.service_point)) for row in rows]
        claimed_kw = np.zeros(self._n_sp)
        for row, place in placed:
            if place is not None and row.p_kw is not None and _kind(row) != _INVERTER:
                claimed_kw[place] += max(row.p_kw, 0.0)
        believed = self._believed_feed_in(placed, snapshot)
        found = (
            self._inverter(row, place, believed, protected)
            if _kind(row) == _INVERTER
            else self._device(row, place, claimed_kw, snapshot, protected)
            for row, place in placed
        )
        return tuple(device for device in found if device is not None)

    def _believed_feed_in(
        self, placed: Sequence[tuple[DeviceRow, int | None]], snapshot: Snapshot
    ) -> dict[str, float]:
        """kW of each inverter: what its row says, without regard to the sign, which engineers write positive.

        No more is believed than the meter shows: rated powers, held back on paper, would clear what in truth
        stays, while feed-in that its own house uses up only makes the relief larger than promised.
        """
        there_kw, said_kw = np.maximum(-snapshot.p_kw, 0.0), np.zeros(self._n_sp)
        told = [
            (row.device, place, abs(row.p_kw))
            for row, place in placed
            if place is not None and row.p_kw is not None and _kind(row) == _INVERTER
        ]
        for _, place, kw in told:
            said_kw[place] += kw
        part = np.divide(there_kw, said_kw, out=np.ones(self._n_sp), where=said_kw > there_kw + 1e-9)
        believed = {device: kw * float(part[place]) for device, place, kw in told}
        doubted = [f"{d} ({kw:g} kW as {believed[d]:.3f})" for d, place, kw in told if part[place] < 1]
        if doubted:
            self.warnings.append(
                f"{len(doubted)} inverters are said to feed in more than their service point does; taken as "
                f"the part that it feeds in: {_some(doubted)}"
            )
        return believed

    @staticmethod
    def _inverter(
        row: DeviceRow, place: int | None, believed: Mapping[str, float], protected: frozenset[int]
    ) -> FlexibleDevice | None:
        """Feed-in that may be held back to its `min_kw`; it has no way to relieve what is taken."""
        if place is None or row.p_kw is None:
            return None
        feed_in_kw = believed[row.device]
        left_kw = min(row.min_kw or 0.0, feed_in_kw)
        return FlexibleDevice(
            row.device,
            place,
            p_kw=0.0 - feed_in_kw,  # 0 stays 0, not -0
            min_kw=0.0 - feed_in_kw,
            max_kw=0.0 - left_kw,
            critical=row.critical or place in protected,
        )

    def _device(
        self,
        row: DeviceRow,
        place: int | None,
        claimed_kw: Floats,
        snapshot: Snapshot,
        protected: frozenset[int],
    ) -> FlexibleDevice | None:
        kind = _kind(row)
        min_kw = self._floor(row, kind)
        if kind in _CONSUMERS and row.p_kw is not None and row.p_kw < 0:
            row.cells.error("p_kw", f"is {row.p_kw:g}; expected 0 or more, this kind only consumes")
        if place is None or row.p_kw is None or min_kw is None:
            return None
        p_kw = self._capped(row, row.p_kw, float(snapshot.p_kw[place]), float(claimed_kw[place]))
        critical = row.critical or place in protected
        return FlexibleDevice(row.device, place, p_kw, min_kw, critical=critical)

    @staticmethod
    def _floor(row: DeviceRow, kind: str) -> float | None:
        """The guaranteed minimum; a kind that nobody knows must bring its own."""
        if row.min_kw is not None:
            return row.min_kw
        if row.kind and kind not in _KINDS:
            row.cells.error(
                "kind", f"is {row.kind!r}; expected one of {', '.join(sorted(_KINDS))}, or a min_kw beside it"
            )
            return None
        return FLOOR_KW_BY_KIND.get(kind, 0.0)

    def _capped(self, row: DeviceRow, p_kw: float, reading_kw: float, claimed_kw: float) -> float:
        """A device cannot take what its service point does not: several are cut down in proportion."""
        most = max(reading_kw, 0.0)
        if p_kw <= 0 or claimed_kw <= most + 1e-9:
            return p_kw
        capped = p_kw * most / claimed_kw
        self.warnings.append(
            f"{row.cells.file} row {row.cells.row}: device {row.device!r} says {p_kw:g} kW, but its service "
            f"point takes {reading_kw:g} kW in all; taken as {capped:.3f} kW"
        )
        return capped
