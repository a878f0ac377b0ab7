"""The judge's eye on decisions: what the automatic did in a cycle, against what meters had said by then.

It has a load flow of its own, and its own opinion of what a plausible reading is.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from controller.stores.port import FeederSample
from devices.messages import SUBSTATION, DeviceStatus, Inbound, Reading, ReadingBatch
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from simulations.faults.promises import Broken, Promised
from simulations.faults.told import EPSILON_KW, Commit, Told, expect, time_of

OVER_BOUND = 1.2
REGISTER_ROUNDS_KWH = 0.1
REMEMBERED = 40
"""readings of one meter that a sample may show: what came while the cycle was under way as well"""
WINDOW = timedelta(seconds=60)
BINDS_SHARE, BINDS_KW = 0.9, 0.2
ROOM = 0.02
"""Above the closing threshold, for readings that came since the decision."""
Said = tuple[datetime, float]
Sampled = tuple[datetime, NDArray[np.float32]]


@dataclass
class Ears:
    """What one controller process heard so far."""

    meters: dict[str, deque[Said]] = field(default_factory=dict)
    """plausible readings, the latest first heard last"""
    devices: dict[str, DeviceStatus] = field(default_factory=dict)
    registers: dict[str, list[Said]] = field(default_factory=dict)
    """energy by meter, of what counted as plausible"""


def _goes_back(ears: Ears, reading: Reading, *, timely: bool) -> bool:
    """Whether its register is below what the meter said of a time before. One that is not `timely` may not
    have been used, so nothing is measured by it.
    """
    energy_kwh = reading.energy_kwh
    if energy_kwh is None:
        return False
    known = ears.registers.setdefault(reading.meter, [])
    if any(at <= reading.at and kwh > energy_kwh + REGISTER_ROUNDS_KWH for at, kwh in known):
        return True
    if timely:
        known.append((reading.at, energy_kwh))
    return False


class Looked:
    """Judges every commit that carries a sample."""

    def __init__(
        self, promised: Promised, load_flow: FactoredLoadFlow, points: Sequence[str], tan_phi: float
    ) -> None:
        self._promised, self._load_flow, self._tan_phi = promised, load_flow, tan_phi
        self._place = {point: place for place, point in enumerate(points)}
        self._ears: dict[int, Ears] = {}
        self.samples: list[Sampled] = []
        """as they were written: time, and power of each service point"""
        self._loading: list[tuple[datetime, float | None]] = []
        self._moved: deque[tuple[datetime, float]] = deque()
        self._freed: dict[str, datetime] = {}
        self.controllable_kw: dict[int, float] = {}
        """by controller: rated power of what it may limit"""
        self.off = timedelta(0)

    # --- what a controller hears

    def hears(self, controller: int, message: Inbound, by_its_clock: datetime) -> None:
        """Something is delivered to a controller."""
        ears = self._ears.setdefault(controller, Ears())
        match message:
            case ReadingBatch(at=at, meters=meters, p_kw=p_kw):
                for meter, kw in zip(meters, p_kw, strict=True):
                    self._take(ears, meter, at, kw)
            case Reading(meter=meter, at=at, p_kw=kw) if meter != SUBSTATION:
                age_s = (by_its_clock - at).total_seconds()
                timely = -self._promised.skew_s <= age_s <= self._promised.fresh_s
                if self._can_be(meter, kw) and not _goes_back(ears, message, timely=timely):
                    self._take(ears, meter, at, kw)
            case DeviceStatus(device=device, at=datetime()):
                known = ears.devices.get(device)
                if known is None or known.at is None or message.at is None or known.at <= message.at:
                    ears.devices[device] = message
            case _:
                pass

    def _take(self, ears: Ears, meter: str, at: datetime, kw: float) -> None:
        if self._can_be(meter, kw):
            ears.meters.setdefault(meter, deque(maxlen=REMEMBERED)).append((at, kw))

    def _can_be(self, meter: str, kw: float) -> bool:
        return math.isfinite(kw) and abs(kw) <= OVER_BOUND * self._promised.bound_kw[int(meter[1:])]

    # --- what it decided

    def judge(
        self, controller: int, commit: Commit, samples: Sequence[FeederSample], story: Mapping[str, Told]
    ) -> None:
        """One commit of a cycle."""
        for sample in samples:
            self._shows_what_was_said(controller, sample)
            self.samples.append((sample.at, sample.p_kw))
            loadings = [
                x
                for x in (sample.transformer_loading_percent, sample.max_line_loading_percent)
                if x is not None
            ]
            self._loading.append((sample.at, max(loadings, default=None)))
            self._judge_decisions(controller, commit, sample, story)

    def _shows_what_was_said(self, controller: int, sample: FeederSample) -> None:
        ears = self._ears.get(controller, Ears())
        oldest = sample.at - timedelta(seconds=self._promised.fresh_s) - self.off
        newest = sample.at + timedelta(seconds=self._promised.skew_s) + self.off
        for place, kw in enumerate(sample.p_kw):
            if math.isnan(kw):
                continue
            said = ears.meters.get(f"M{place}", deque())
            if not any(
                abs(value - kw) < 1e-3 + 1e-5 * abs(value) and oldest <= at <= newest for at, value in said
            ):
                raise Broken(
                    "impossible", f"M{place} counts as {kw:g} kW at {sample.at}; it said {list(said)}"
                )

    def _judge_decisions(
        self, controller: int, commit: Commit, sample: FeederSample, story: Mapping[str, Told]
    ) -> None:
        self._judge_limits(controller, commit, sample, story)
        if commit.released:
            self._has_room(controller, commit.released, sample, story)
        self._keeps_pace(commit, sample, story)
        for entry in commit.entries:
            if entry["entry"] == "event_opened" and "overload" in entry["kind"] and not entry["expected"]:
                self._persists(entry["event"])
            elif entry["entry"] == "event_closed":
                self._was_well(entry["event"], sample.at)
        for told in story.values():
            if told.freed_at is not None:
                before = self._freed.get(told.target)
                self._freed[told.target] = told.freed_at if before is None else max(before, told.freed_at)

    def _judge_limits(
        self, controller: int, commit: Commit, sample: FeederSample, story: Mapping[str, Told]
    ) -> None:
        lower = [told for _, told in commit.planned] + [told for _, told, _ in commit.tightened]
        if lower:
            self._within_reach(controller, commit)
        if changed := lower + [told for told, _ in commit.raised]:
            self._knows_enough(controller, sample, changed[0].request)
        for _, told in commit.planned:
            self._leaves_alone(sample, told)
        if commit.planned:
            self._relieves(commit, sample)
        if commit.raised:
            self._has_room_for_more(controller, commit, sample)

    def _knows_enough(self, controller: int, sample: FeederSample, request: str) -> None:
        ears = self._ears.get(controller, Ears())
        oldest = sample.at - timedelta(seconds=self._promised.fresh_s)
        fresh = sum(any(at >= oldest for at, _ in said) for said in ears.meters.values())
        n = len(self._place)
        enough = fresh >= self._promised.min_fresh_share * n
        expect(enough, "few data", f"{request} on {fresh} fresh meters of {n}")
        known = self._loading[-1][1] is not None
        expect(known, "few data", f"{request} though no loading is known")

    def _within_reach(self, controller: int, commit: Commit) -> None:
        for entry, told in commit.planned:
            self._moved.append((time_of(entry["at"]), told.p_before_kw - entry["limit_kw"]))
        for entry, _, kw in commit.tightened:
            self._moved.append((time_of(entry["at"]), kw))
        newest = self._moved[-1][0]
        while self._moved and self._moved[0][0] <= newest - WINDOW:
            self._moved.popleft()
        moved_kw = sum(kw for at, kw in self._moved if at > newest - WINDOW)
        most_kw = self._promised.reach_share * self.controllable_kw[controller]
        kept = moved_kw <= most_kw + EPSILON_KW or bool(self.off)
        expect(kept, "reach", f"{moved_kw:g} kW in a minute, {most_kw:g} kW are allowed")

    def _relieves(self, commit: Commit, sample: FeederSample) -> None:
        """A kW less makes what is loaded most no more loaded."""
        if np.isnan(sample.p_kw).any() or self.off:
            return
        p_kw = sample.p_kw.astype(np.float64)
        before = self._ratio(p_kw)
        for _, told in commit.planned:
            less_kw = p_kw.copy()
            less_kw[self._place[told.service_point]] -= told.sign * min(told.cut_kw, 1.0)
            after = self._ratio(less_kw)
            helps = before is None or after is None or after <= before + EPSILON_KW
            expect(helps, "relief", f"{told.request} at {sample.at}: {before} before, {after} with a kW less")

    def _leaves_alone(self, sample: FeederSample, told: Told) -> None:
        freed_at = self._freed.get(told.target)
        if (
            freed_at is None
            or self.off
            or (told.at - freed_at).total_seconds() >= self._promised.leave_alone_s
        ):
            return
        ratio = self._ratio(np.nan_to_num(sample.p_kw.astype(np.float64), nan=0.0))
        severe = (
            ratio is None or np.isnan(sample.p_kw).any() or ratio * 100 > self._promised.at_once_percent - 1
        )
        expect(bool(severe), "flap", f"{told.request} at {told.at}: {told.target} was freed at {freed_at}")

    def _has_room(
        self, controller: int, released: Sequence[Told], sample: FeederSample, story: Mapping[str, Told]
    ) -> None:
        """With those back who are freed now, nothing is above the closing threshold."""
        if np.isnan(sample.p_kw).any() or self._leaves_in_any_case(released, sample, story):
            return
        p_kw = sample.p_kw.astype(np.float64)
        self._with_freed(controller, released, p_kw)
        ratio = self._ratio(p_kw)
        fits = ratio is not None and ratio < self._promised.close_below + ROOM
        expect(
            fits, "release", f"{[t.request for t in released]} at {sample.at}: then it is at {ratio or 9:.3f}"
        )

    def _keeps_pace(self, commit: Commit, sample: FeederSample, story: Mapping[str, Told]) -> None:
        back_kw = {told.request: told.cut_kw for told in commit.released}
        for told, before_kw in commit.raised:
            back_kw[told.request] = max(min(told.limit_kw, told.p_before_kw) - before_kw, 0.0)
        back = [*commit.released, *(told for told, _ in commit.raised)]
        if len(back) <= 1 or self._leaves_in_any_case(back, sample, story):
            return
        events = {told.event for told in back}
        of_event = [
            t for t in story.values() if t.resource == "device" and (t.event in events or t.ordered_until)
        ]
        most_kw = self._promised.pace_share * sum(t.most_cut_kw for t in of_event)
        at_once_kw = sum(back_kw.values())
        kept = at_once_kw <= most_kw + EPSILON_KW
        expect(kept, "pace", f"{at_once_kw:g} kW at once, {most_kw:g} kW are allowed")

    def _has_room_for_more(self, controller: int, commit: Commit, sample: FeederSample) -> None:
        """With all of them at their new limits, nothing is above the closing threshold."""
        if np.isnan(sample.p_kw).any():
            return
        p_kw = sample.p_kw.astype(np.float64)
        for told, before_kw in commit.raised:
            shown = self._ears[controller].devices.get(told.target)
            device_kw = before_kw if shown is None or shown.p_kw is None else told.sign * shown.p_kw
            p_kw[self._place[told.service_point]] += told.sign * max(told.limit_kw - device_kw, 0.0)
        self._with_freed(controller, commit.released, p_kw)
        ratio = self._ratio(p_kw)
        fits = ratio is not None and ratio < self._promised.close_below + ROOM
        requests = [told.request for told, _ in commit.raised]
        expect(fits, "raise", f"{requests} at {sample.at}: then it is at {ratio or 9:.3f}")

    def _with_freed(self, controller: int, released: Sequence[Told], p_kw: Floats) -> None:
        """Adds what those take more whom a limit holds back."""
        for told in released:
            shown = self._ears[controller].devices.get(told.target)
            device_kw = told.limit_kw if shown is None or shown.p_kw is None else told.sign * shown.p_kw
            if device_kw >= BINDS_SHARE * told.limit_kw - BINDS_KW + EPSILON_KW:
                p_kw[self._place[told.service_point]] += told.sign * max(told.p_before_kw - device_kw, 0.0)

    def _leaves_in_any_case(
        self, released: Sequence[Told], sample: FeederSample, story: Mapping[str, Told]
    ) -> bool:
        """Whether what the event asks of one of them must come to its end, whatever the network says."""
        theirs = {(told.event, told.customer or told.target) for told in released}
        asked = (t.at for t in story.values() if (t.event, t.customer or t.target) in theirs)
        first = min(asked, default=sample.at)
        return bool(self.off) or (sample.at - first).total_seconds() >= self._promised.leaves_after_s

    def _persists(self, event: str) -> None:
        latest = [x for _, x in self._loading[-self._promised.persistence :]]
        newest = latest[-1]
        severe = newest is not None and newest > self._promised.at_once_percent
        lasts = len(latest) == self._promised.persistence and all(x is not None and x > 100 for x in latest)
        expect(severe or lasts, "opens", f"{event} at loadings of {latest} %")

    def _was_well(self, event: str, at: datetime) -> None:
        since = at - timedelta(seconds=self._promised.close_after_s)
        worst = max((x or 0.0 for then, x in self._loading if since <= then <= at), default=0.0)
        well = worst < 100 * self._promised.close_below or bool(self.off)
        expect(well, "closes", f"{event} at {at}: {worst:.1f} % since {since}")

    def _ratio(self, p_kw: Floats) -> float | None:
        """The largest loading, or deviation of a voltage, as a share of what is allowed."""
        result = self._load_flow.solve(p_kw, self._tan_phi * p_kw)
        if not result.converged:
            return None
        loading = max(
            float(result.line_loading_percent.max()), float(result.transformer_loading_percent.max())
        )
        voltage = max(float(1 - result.v_pu.min()), float(result.v_pu.max() - 1)) / 0.1
        return max(loading / 100, voltage)
