"""The judge's eye on decisions: what the automatic did in a cycle, against what meters had said by then.

It has a load flow of its own (`judged_network.py`), and its own opinion of what a plausible reading is
(`ears.py`).
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from controller.stores.port import FeederSample
from devices.messages import Inbound
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from simulations.faults.ears import Ears
from simulations.faults.judged_network import JudgedNetwork
from simulations.faults.promises import Broken, Promised
from simulations.faults.told import EPSILON_KW, Commit, Told, expect, time_of

WINDOW = timedelta(seconds=60)
BINDS_SHARE, BINDS_KW = 0.9, 0.2
CONTRADICTS_PU, CONTRADICTED_BY = 0.035, 3
"""So far from the load flow's are the voltages of so many houses that it proves nothing; some less may be."""
USUAL_V_PU = (0.9, 1.1)
"""Where no tighter voltages are promised, loadings come first on this street."""
Sampled = tuple[datetime, NDArray[np.float32]]


class Looked:
    """Judges every commit that carries a sample."""

    def __init__(
        self, promised: Promised, load_flow: FactoredLoadFlow, network: Network, tan_phi: float
    ) -> None:
        self._promised = promised
        self._network = JudgedNetwork(promised, load_flow, network, tan_phi)
        self._place = {point: place for place, point in enumerate(network.service_points)}
        self._ears: dict[int, Ears] = {}
        self.samples: list[Sampled] = []
        """as they were written: time, and power of each service point"""
        self._loading: list[tuple[datetime, float | None]] = []
        """the highest loading at each sample, as a share of what is allowed"""
        self._seen: list[tuple[datetime, float | None]] = []
        """the same with voltages"""
        self._moved: deque[tuple[datetime, float]] = deque()
        self._freed: dict[str, datetime] = {}
        self.controllable_kw: dict[int, float] = {}
        """by controller: rated power of what it may limit"""
        self.off = timedelta(0)

    def hears(self, controller: int, message: Inbound, by_its_clock: datetime) -> None:
        """Something is delivered to a controller."""
        self._ears_of(controller).hear(message, by_its_clock)

    def clock_jumps(self) -> None:
        """That of the controllers' machine."""
        for ears in self._ears.values():
            ears.clock_jumps()

    def _ears_of(self, controller: int) -> Ears:
        return self._ears.setdefault(controller, Ears(self._promised))

    def judge(
        self, controller: int, commit: Commit, samples: Sequence[FeederSample], story: Mapping[str, Told]
    ) -> None:
        """One commit of a cycle."""
        for sample in samples:
            self._shows_what_was_said(controller, sample)
            self._ears_of(controller).looks(sample.at)
            self.samples.append((sample.at, sample.p_kw))
            loadings = [
                x
                for x in (sample.transformer_loading_percent, sample.max_line_loading_percent)
                if x is not None
            ]
            loading = max(loadings) / self._promised.loading_percent if loadings else None
            self._loading.append((sample.at, loading))
            self._seen.append((sample.at, self._with_voltages(sample, loading)))
            self._judge_decisions(controller, commit, sample, story)

    def _with_voltages(self, sample: FeederSample, loading: float | None) -> float | None:
        """The same where it is a voltage that is worst; endless where one may be, and nobody can say."""
        promised = self._promised
        if loading is None or (promised.lowest_v_pu, promised.highest_v_pu) == USUAL_V_PU:
            return loading
        if np.isnan(sample.p_kw).any():
            return math.inf
        return max(loading, self._network.ratio(sample.p_kw.astype(np.float64)) or math.inf)

    def _shows_what_was_said(self, controller: int, sample: FeederSample) -> None:
        ears = self._ears_of(controller)
        oldest = sample.at - timedelta(seconds=self._promised.fresh_s) - self.off
        newest = sample.at + timedelta(seconds=self._promised.skew_s) + self.off
        for place, kw in enumerate(sample.p_kw):
            if math.isnan(kw):
                continue
            if not any(oldest <= at <= newest for at, _, _ in ears.said(place, float(kw))):
                said = list(ears.meters.get(f"M{place}", ()))
                raise Broken("impossible", f"M{place} counts as {kw:g} kW at {sample.at}; it said {said}")

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
            self._proves(controller, sample)
            self._has_room_for_more(controller, commit, sample)

    def _knows_enough(self, controller: int, sample: FeederSample, request: str) -> None:
        ears = self._ears_of(controller)
        oldest = sample.at - timedelta(seconds=self._promised.fresh_s)
        fresh = sum(any(at >= oldest for at, _, _ in said) for said in ears.meters.values())
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
        before = self._network.ratios(p_kw)
        for _, told in commit.planned:
            less_kw = p_kw.copy()
            less_kw[self._place[told.service_point]] -= told.sign * min(told.cut_kw, 1.0)
            after = self._network.ratios(less_kw)
            if before is None or after is None:
                continue
            pressing = before > self._promised.target_share
            helps = after.max() <= before.max() + EPSILON_KW or bool((after < before)[pressing].any())
            said = f"{before.max():.4f} before, {after.max():.4f} with a kW less"
            expect(helps, "relief", f"{told.request} at {sample.at}: {said}")

    def _leaves_alone(self, sample: FeederSample, told: Told) -> None:
        freed_at = self._freed.get(told.target)
        if (
            freed_at is None
            or self.off
            or (told.at - freed_at).total_seconds() >= self._promised.leave_alone_s
        ):
            return
        ratio = self._network.ratio(np.nan_to_num(sample.p_kw.astype(np.float64), nan=0.0))
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
        self._proves(controller, sample)
        p_kw = sample.p_kw.astype(np.float64)
        self._with_freed(controller, released, p_kw, sample.at)
        self._fits("release", [told.request for told in released], sample, p_kw)

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
            shown = self._ears_of(controller).words.device_kw(told.target, sample.at)
            highest_kw = max(before_kw if kw is None else told.sign * kw for kw in shown)
            p_kw[self._place[told.service_point]] += told.sign * max(told.limit_kw - highest_kw, 0.0)
        self._with_freed(controller, commit.released, p_kw, sample.at)
        self._fits("raise", [told.request for told, _ in commit.raised], sample, p_kw)

    def _fits(self, promise: str, requests: list[str], sample: FeederSample, p_kw: Floats) -> None:
        before_kw = sample.p_kw.astype(np.float64)
        if not self._network.has_room(p_kw, before_kw):
            ratios = self._network.ratios(p_kw, before_kw)
            ratio = math.inf if ratios is None else float(ratios.max())
            raise Broken(promise, f"{requests} at {sample.at}: then it is at {ratio:.3f}")

    def _with_freed(self, controller: int, released: Sequence[Told], p_kw: Floats, at: datetime) -> None:
        """Adds what those take more whom a limit holds back."""
        for told in released:
            shown = self._ears_of(controller).words.device_kw(told.target, at)
            least_kw = min(_more_kw(told, told.limit_kw if kw is None else told.sign * kw) for kw in shown)
            p_kw[self._place[told.service_point]] += told.sign * least_kw

    def _leaves_in_any_case(
        self, released: Sequence[Told], sample: FeederSample, story: Mapping[str, Told]
    ) -> bool:
        """Whether what the event asks of one of them must come to its end, whatever the network says."""
        theirs = {(told.event, told.customer or told.target) for told in released}
        asked = (t.at for t in story.values() if (t.event, t.customer or t.target) in theirs)
        first = min(asked, default=sample.at)
        return bool(self.off) or (sample.at - first).total_seconds() >= self._promised.leaves_after_s

    def _persists(self, event: str) -> None:
        latest = [x for _, x in self._seen[-self._promised.persistence :]]
        newest = latest[-1]
        severe = newest is not None and 100 * newest > self._promised.at_once_percent
        lasts = len(latest) == self._promised.persistence and all(x is not None and x > 1 for x in latest)
        expect(severe or lasts, "opens", f"{event} at {latest} of what is allowed")

    def _was_well(self, event: str, at: datetime) -> None:
        since = at - timedelta(seconds=self._promised.close_after_s)
        worst = max((x or 0.0 for then, x in self._loading if since <= then <= at), default=0.0)
        well = worst < self._promised.close_below or bool(self.off)
        expect(well, "closes", f"{event} at {at}: {100 * worst:.1f} % since {since}")

    def _proves(self, controller: int, sample: FeederSample) -> None:
        """Nobody is given anything back on the word of a load flow that many houses contradict."""
        ears, oldest = self._ears_of(controller), sample.at - timedelta(seconds=self._promised.fresh_s)
        if self.off or np.isnan(sample.p_kw).any() or ears.busbar is None or ears.busbar < oldest:
            return
        against = self._network.contradicted_by(ears, sample.p_kw.astype(np.float64), CONTRADICTS_PU)
        expect(against < CONTRADICTED_BY, "unproven", f"at {sample.at}, with {against} voltages against it")


def _more_kw(told: Told, device_kw: float) -> float:
    """What a device takes more, or feeds in, that is freed at this power."""
    if device_kw < BINDS_SHARE * told.limit_kw - BINDS_KW + EPSILON_KW:
        return 0.0
    return max(told.p_before_kw - device_kw, 0.0)
