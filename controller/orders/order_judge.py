"""Who may agree to an order now, and whether it may be carried out. Reads the books and changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controller import settings
from controller.bookkeeping import Bookkeeper
from controller.entries import Entry, OperatorActed, RequestChanged, RequestPlanned
from controller.feeder_control import FeederControl
from controller.orders.effects_kept import EffectsKept
from controller.orders.giving import Giver
from controller.orders.order_book import DraftRecord, same_person, with_person
from controller.orders.order_errors import (
    AnotherNeeded,
    EffectChanged,
    NotOpen,
    OrderRefused,
    PersonNeeded,
    RefusalCode,
    StopHolds,
    UnknownOrder,
)
from controller.orders.order_rules import moved_kw, persons_needed, reach_of


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why somebody cannot confirm a draft."""

    code: RefusalCode
    text: str


class OrderJudge:
    """Of one site. `now` is always given."""

    def __init__(
        self,
        site: settings.Site,
        controls: Mapping[str, FeederControl],
        keeper: Bookkeeper,
        seen: EffectsKept,
    ) -> None:
        self._site, self._controls, self._keeper, self._seen = site, controls, keeper, seen

    def needed(self, record: DraftRecord) -> int:
        """How many persons a draft takes by what is known now."""
        return max(record.drafted.needed, self._seen.needed(record.draft))

    def needed_for(self, feeder: str, action: str, moves_kw: float, now: datetime) -> int:
        """How many persons an order takes that moves so much."""
        reach = reach_of(moves_kw, feeder, self._controls, self._keeper.books, now)
        return persons_needed(self._site.orders, self._site.safety, action, reach)

    def needed_for_act(self, act: OperatorActed, entries: tuple[Entry, ...], now: datetime) -> int:
        """The same by all that an act would write."""
        devices = self._controls[act.feeder].registry.device
        moves_kw = moved_kw(entries, self._keeper.books, lambda device: devices[device].rated_kw)
        return self.needed_for(act.feeder, act.action, moves_kw, now)

    def lacks_another(self, record: DraftRecord, giver: Giver, needed: int | None = None) -> bool:
        """Whether yet another person must agree after this one."""
        agreed = self.agreed(record)
        agreed = with_person(agreed, giver.who) if giver.person else agreed
        return (self.needed(record) if needed is None else needed) > max(len(agreed), 1)

    def agreed(self, record: DraftRecord) -> tuple[str, ...]:
        """The persons whose agreement counts: not of who may not operate there any more."""
        lost = self._seen.lost(record.draft)
        return tuple(who for who in record.agreed if who not in lost)

    def others(self, record: DraftRecord, giver: Giver) -> tuple[str, ...]:
        """Who stands behind a draft beside who drafted it, once this one confirms it."""
        lost, author = self._seen.lost(record.draft), record.drafted.who
        behind = (*(who for who in record.confirmed if who not in lost), giver.who)
        return tuple(dict.fromkeys(who for who in behind if not same_person(who, author)))

    def record(self, draft: str) -> DraftRecord:
        """Raises UnknownOrder."""
        record = self._keeper.books.order_book.find(draft)
        if not isinstance(record, DraftRecord):
            raise UnknownOrder(f"there is no draft {draft!r}; GET /api/v1/orders lists the latest")
        return record

    def still_open(self, draft: str, now: datetime) -> DraftRecord:
        """Raises UnknownOrder, NotOpen."""
        record = self.record(draft)
        if record.closed is not None:
            raise NotOpen(f"order {draft} is over: it is {record.state.replace('_', ' ')}")
        if record.drafted.epoch != self._keeper.epoch:
            raise NotOpen(f"order {draft} is void: the controller was started again since", "restarted")
        if now >= record.drafted.expires_at:
            told = f"order {draft} has expired: expected it confirmed by {record.drafted.expires_at}"
            raise NotOpen(told, "expired")
        if now < record.drafted.at:
            raise NotOpen(f"order {draft} is void: the clock was set back since", "clock_set_back")
        return record

    def check_person(self, record: DraftRecord, giver: Giver) -> None:
        """Raises PersonNeeded, AnotherNeeded."""
        needed = self.needed(record)
        if needed <= 1:
            return
        if not giver.person:
            raise PersonNeeded(f"this takes {needed} persons, each with an account of their own")
        if any(same_person(giver.who, one) for one in self.agreed(record)):
            told = f"{giver.who} has agreed already: expected another person to confirm it"
            raise AnotherNeeded(told, "has_agreed")

    def check_excluded(self, record: DraftRecord, entries: tuple[Entry, ...]) -> None:
        """Raises EffectChanged where an operator has excluded somebody since, whom an order that names them
        would limit all the same.
        """
        books, drafted = self._keeper.books, record.drafted
        since = {act.target: act for act in books.exclusions(drafted.feeder) if act.at >= drafted.at}
        for entry in entries:
            planned = entry if isinstance(entry, RequestPlanned) else None
            if isinstance(entry, RequestChanged) and (known := books.requests.get(entry.request)) is not None:
                planned = known.planned
            act = planned and (since.get(planned.target) or since.get(planned.customer))
            if act:
                told = f"{act.target} was excluded by {act.who} since ({act.why}): expected a new draft"
                raise EffectChanged(told, None, "excluded_since")

    def check_stop(self, feeder: str, action: str) -> None:
        """Raises StopHolds."""
        books = self._keeper.books
        stop = books.order_book.stopped(feeder)
        if action in ("limit", "more_reach") and stop is not None:
            raise StopHolds(
                f"the emergency stop by {stop.who} holds on {feeder}: expected an automatic_on there first"
            )
        if action == "more_reach" and not books.automatic(feeder):
            told = f"the automatic is off on {feeder}: expected an automatic_on there first"
            raise StopHolds(told, "automatic_off")

    def why_not(self, record: DraftRecord, giver: Giver, now: datetime) -> WhyNot | None:
        """Why this one cannot confirm a draft; None where they can."""
        feeder = record.drafted.feeder
        if giver.operates is not None and feeder not in giver.operates:
            return WhyNot("may_not_operate", f"{giver.who} may not operate on {feeder}")
        checks: tuple[Callable[[], object], ...] = (
            lambda: self.still_open(record.draft, now),
            lambda: self.check_person(record, giver),
            lambda: self.check_stop(record.drafted.feeder, record.drafted.action),
        )
        try:
            for check in checks:
                check()
        except OrderRefused as refused:
            return WhyNot(refused.code, str(refused))
        return None
