"""The judge's eye on settlements and credits: what was booked, against what the meters showed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from simulations.faults.looked import Sampled
from simulations.faults.promises import Promised
from simulations.faults.story import Story
from simulations.faults.told import Raw, Told, expect, time_of

KWH_TOLERANCE = 0.002
Posting = tuple[str, str, str, int]


class Money:
    """Judges each commit that settles or credits, and the ledger's own tables."""

    def __init__(self, promised: Promised, story: Story, place: Mapping[str, int]) -> None:
        self._promised, self._story, self._place = promised, story, place

    def judge(
        self,
        entries: Sequence[Raw],
        samples: Sequence[Sampled],
        postings: Sequence[tuple[str, int, str, str, int]],
    ) -> None:
        """One commit: its entries, all samples so far, and what it wrote into the ledger's tables."""
        posted = {e["request"]: e for e in entries if e["entry"] == "ledger_posted"}
        for entry in entries:
            if entry["entry"] == "request_settled":
                told = self._story.requests[entry["request"]]
                self._shown(entry, told, samples)
                self._credited(entry, told, posted.get(entry["request"]))
        for request, entry in posted.items():
            settled = any(e["entry"] == "request_settled" and e["request"] == request for e in entries)
            expect(settled, "shown", f"{entry['key']} is booked without a settlement beside it")
        told_rows = Counter((e["key"], *row) for e in posted.values() for row in map(tuple, e["postings"]))
        rows = Counter((key, account, unit, amount) for key, _, account, unit, amount in postings)
        expect(told_rows == rows, "zero", f"journal and ledger differ: {told_rows - rows} {rows - told_rows}")

    def _shown(self, entry: Raw, told: Told, samples: Sequence[Sampled]) -> None:
        if entry["reduced_kwh"] <= 0:
            return
        taken = told.taken or told.resource == "person"
        expect(
            taken, "shown", f"{told.request} is settled with {entry['reduced_kwh']:g} kWh; nobody took part"
        )
        most_kwh = self._most_kwh(told, time_of(entry["at"]), samples)
        shown = entry["reduced_kwh"] <= most_kwh + KWH_TOLERANCE or bool(self._story.off)
        said = f"{told.request} is settled with {entry['reduced_kwh']:.3f} kWh"
        expect(shown, "shown", f"{said}, the meter shows {most_kwh:.3f}")

    def _credited(self, entry: Raw, told: Told, posted: Raw | None) -> None:
        name = told.request
        owed = entry["points"] > 0 or entry["minor_units"] > 0
        expect(not owed or posted is not None, "shown", f"{name} is owed points, and nothing is booked")
        most = entry["reduced_kwh"] * self._promised.points_per_kwh + 1e-9
        expect(
            entry["points"] <= most,
            "shown",
            f"{name}: {entry['points']} points for {entry['reduced_kwh']:g} kWh",
        )
        if posted is None:
            return
        given = sorted(amount for _, _, amount in posted["postings"] if amount > 0)
        says = sorted(n for n in (entry["points"], entry["minor_units"]) if n > 0)
        expect(given == says, "shown", f"{name} is settled with {says} and credited with {given}")

    def _most_kwh(self, told: Told, settled_at: datetime, samples: Sequence[Sampled]) -> float:
        """What the samples show below the frozen baseline (above it, of feeding in) at most, between each two
        the one that shows more of it; the last one counts for as long as a reading is fresh.

        An upper bound: minutes above the baseline are not set against those below.
        """
        place, room = self._place[told.service_point], timedelta(seconds=2 * self._promised.period_s)
        inside = [
            (at, float(p_kw[place]))
            for at, p_kw in samples
            if told.at - room <= at <= settled_at + room and not np.isnan(p_kw[place])
        ]
        inside.sort()
        if inside:
            hold = timedelta(seconds=self._promised.fresh_s)
            inside.append((inside[-1][0] + hold, inside[-1][1]))
        kwh = 0.0
        for (begin, first_kw), (end, second_kw) in pairwise(inside):
            least_kw = min(told.sign * first_kw, told.sign * second_kw)
            below_kw = max(told.sign * told.baseline_kw - least_kw, 0.0)
            kwh += below_kw * (end - begin).total_seconds() / 3600
        return kwh

    def at_rest(self, rows: Sequence[tuple[str, int, str, str, int]]) -> None:
        """All tables at the end."""
        told = Counter(self._story.postings)
        kept = Counter((key, account, unit, amount) for key, _, account, unit, amount in rows)
        expect(told == kept, "zero", f"journal and ledger differ: {told - kept} {kept - told}")
        sums: dict[str, int] = {}
        for _, _, unit, amount in self._story.postings:
            sums[unit] = sums.get(unit, 0) + amount
        expect(not any(sums.values()), "zero", f"all accounts sum to {sums}")
