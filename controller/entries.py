"""The vocabulary of the journal: every fact and decision that matters, as frozen values.

An entry is durable before it takes effect outside. State is what replaying all entries gives: nothing here
knows how they are stored, sent or shown. `at` is aware UTC. Entries are only ever added to this file's union
at its end; a field added later has a default, so that old journals still replay.
"""

from datetime import date, datetime
from typing import Literal

import msgspec

from devices.messages import Direction

RequestState = Literal[
    "planned",
    "sent",
    "accepted",
    "active",
    "ended",
    "settled",
    "refused",
    "unanswered",
    "overridden",
    "failed",
]
Resource = Literal["device", "person"]
Outcome = Literal["credited", "nothing_shown", "too_little_data", "refused_or_silent"]
ShiftMark = Literal["pinned", "unpinned", "done", "reopened"]
OperatorAction = Literal[
    "automatic_off", "automatic_on", "release_all", "release", "exclude", "include", "limit"
]


class _Entry(msgspec.Struct, frozen=True, tag_field="entry", kw_only=True):
    at: datetime


class ControllerStarted(_Entry, frozen=True, kw_only=True, tag="controller_started"):
    """A controller took the feeders over; commands of lower epochs are void from here."""

    epoch: int
    version: str
    feeders: tuple[str, ...]


class ReadingsRefused(_Entry, frozen=True, kw_only=True, tag="readings_refused"):
    """Input that was not used in one cycle, by reason; a sample is kept."""

    feeder: str | None
    reason: str
    count: int
    sample: str


class DataAlarm(_Entry, frozen=True, kw_only=True, tag="data_alarm"):
    """The feeder's data are not good enough (raised) or are again. While raised nothing is asked, but for
    `near_collapse`, which is about the feeder itself, `wrong_meter`, which is left out, `network_voltages`
    where the network carries more than believed,
    `failsafe_unconfirmed`, whose devices are, and `failsafe_not_lifted` and `heartbeats_not_heard`, which are
    about what devices do in silence."""

    feeder: str
    kind: str
    """too_few_meters, substation_silent, feeder_sum, busbar_voltage, network_voltages, diverged,
    near_collapse, wrong_meter, failsafe_unconfirmed, failsafe_not_lifted, heartbeats_not_heard; raised again
    when it has more to tell"""
    raised: bool
    text: str


class ViolationAppeared(_Entry, frozen=True, kw_only=True, tag="violation_appeared"):
    """An element went outside its limit."""

    feeder: str
    element: str
    kind: str
    value: float
    limit: float


class ViolationCleared(_Entry, frozen=True, kw_only=True, tag="violation_cleared"):
    """An element is inside its limit again."""

    feeder: str
    element: str
    kind: str


class EventOpened(_Entry, frozen=True, kw_only=True, tag="event_opened"):
    """A violation persisted, or was severe: one occurrence begins."""

    event: str
    feeder: str
    element: str
    kind: str
    value: float
    limit: float
    """of the worst violation"""
    expected: bool = False
    """it was not there yet: the event opened early, and `value` is what was expected"""
    probability: float | None = None
    """that the element truly is outside its limit; None where all was measured"""


class EventShort(_Entry, frozen=True, kw_only=True, tag="event_short"):
    """What could be asked for does not clear the violation: best effort, and an alarm."""

    event: str
    feeder: str
    element: str
    value: float
    limit: float
    missing_kw: float | None = None
    """what more would have to go at least, at the best placed customers; None where nobody knows"""


class EventClosed(_Entry, frozen=True, kw_only=True, tag="event_closed"):
    """Clear for long enough, and nobody limited any more."""

    event: str
    feeder: str
    peak_percent: float


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What of an operator's order holds for one request."""

    order: str
    """`OperatorActed.order`"""
    by: str
    limit_kw: float
    """what the device may take by it, its floor kept"""
    until: datetime
    """so long nobody but an operator gives more back"""


class RequestPlanned(_Entry, frozen=True, kw_only=True, tag="request_planned"):
    """The intent to ask: durable before it is sent."""

    request: str
    event: str
    feeder: str
    resource: Resource
    target: str
    """the device, or the customer for a notice to a person"""
    kind: str
    """the device's kind, or `person`"""
    customer: str
    service_point: str
    limit_kw: float
    """for a device: its own power, in `direction`; for a person: the power at their meter"""
    p_before_kw: float
    """what the target took, or fed in, when planned: the device, or a person's meter"""
    baseline_kw: float
    """at the meter, frozen now, before anybody is told; below 0 where it feeds in"""
    start: datetime
    end: datetime
    epoch: int
    sequence: int
    element: str
    value: float
    """the violated element, and its loading in percent or voltage in pu: why"""
    expected: bool = False
    """it was not there yet: `value` is what was expected"""
    floor_kw: float | None = None
    """the target's guaranteed minimum; None in entries from before it was told"""
    share_percent: float | None = None
    """how much of the violation the service point causes; None where it was not located"""
    programme: str | None = None
    """whose terms and rates hold for this request; None: the site's own"""
    ordered: Ordered | None = None
    """an operator asks, not the automatic; `event` then is the order's id, and element and value tell what
    was loaded most"""
    direction: Direction = "consumption"
    """what is bounded; with `production` the limit, what was before and the floor are of what is fed in"""


class RequestChanged(_Entry, frozen=True, kw_only=True, tag="request_changed"):
    """A later end, another limit, or an early release: the same request under a higher sequence. `raised`: by
    the automatic, where there is room; `relaxed`: up to what an operator ordered.
    """

    request: str
    limit_kw: float
    end: datetime
    epoch: int
    sequence: int
    reason: Literal["renewed", "tightened", "raised", "relaxed", "released", "overridden", "protected"]
    ordered: Ordered | None = None
    """by an operator's order, which holds from here; None: what was ordered before stands"""


class RequestSent(_Entry, frozen=True, kw_only=True, tag="request_sent"):
    """The next hop took the command of this sequence."""

    request: str
    sequence: int
    attempt: int


class RequestAnswered(_Entry, frozen=True, kw_only=True, tag="request_answered"):
    """The device's answer, as it came."""

    request: str
    answer: str
    reason: str | None


class RequestMoved(_Entry, frozen=True, kw_only=True, tag="request_moved"):
    """One step in the life of a request (see controller.requests for which are allowed)."""

    request: str
    state: RequestState
    reason: str


class LedgerPosted(_Entry, frozen=True, kw_only=True, tag="ledger_posted"):
    """One transaction: postings that sum to zero per unit. The key makes it happen once."""

    key: str
    """programme/feeder/request/kind/rule version: the same key again is no new transaction"""
    postings: tuple[tuple[str, str, int], ...]
    """(account, unit, amount): unit is `points` or a currency's minor unit such as `EUR-cent`"""
    reason: str
    request: str | None
    corrects: str | None = None
    """key of the credit that this transaction reverses and books anew"""
    counts_for: str | None = None
    """an earning rule and the period that its cap counts in, such as `paid-on-time/2026-Q1`"""


class SettledInterval(msgspec.Struct, frozen=True, array_like=True):
    """What the meter proves of one interval of a request."""

    start: datetime
    asked_wh: int
    """over the measured time"""
    reduced_wh: int
    measured_s: int
    active_s: int
    proven: bool = True
    """False where too little of it was read to prove anything: nothing counts then"""


class SettledBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """What a published rule says would have been used in a request's time, instead of the live meter."""

    rule: str
    """the rule that the request's programme names"""
    method: str
    """what was used in the end: the rule, another that it falls back on, or `live meter`"""
    baseline_kwh: float
    """over the active time"""
    p_kw: tuple[float, ...] = ()
    """of each quarter of an hour that the active time touches; none where the live meter was used"""
    days: tuple[date, ...] = ()
    """local days that make it, newest first"""
    adjustment: str | None = None
    """what the event's own day did to it, in words with figures"""
    reasons: tuple[str, ...] = ()
    """what an auditor should know, in order"""


class SettledRules(msgspec.Struct, frozen=True, array_like=True):
    """By what a request was settled, so that it can be calculated anew by the same."""

    points_per_kwh: int
    minor_units_per_kwh: int
    currency: str
    interval_s: float
    baseline_holds_s: float
    min_measured_share: float


class RequestSettled(_Entry, frozen=True, kw_only=True, tag="request_settled"):
    """What the meters prove, and the credit for it. Written in one commit with its LedgerPosted."""

    request: str
    asked_kwh: float
    reduced_kwh: float
    intervals: int
    intervals_measured: int
    compliance_percent: float
    points: int
    minor_units: int
    outcome: Outcome
    programme: str | None = None
    """None in entries from before it was told"""
    by_interval: tuple[SettledInterval, ...] = ()
    baseline: SettledBaseline | None = None
    """None where the live meter's was used, as the programme has it"""
    rules: SettledRules | None = None
    """None in entries from before they were told"""
    readings: str | None = None
    """digest of the stored samples that it was calculated from (`MeterSeries.digest`); None where none could
    prove anything, and in entries from before it was told"""


class SettlementCorrected(_Entry, frozen=True, kw_only=True, tag="settlement_corrected"):
    """A settlement was calculated anew: the first one stays, this one holds. Written in one commit with the
    LedgerPosted that books the difference.
    """

    request: str
    feeder: str
    customer: str
    version: int
    """1 for the first correction of a request, then 2 ..."""
    cause: Literal["late_readings", "dispute"]
    dispute: str | None
    asked_kwh: float
    reduced_kwh: float
    intervals: int
    intervals_measured: int
    compliance_percent: float
    points: int
    """that the request earns in all, not the difference"""
    minor_units: int
    outcome: Outcome
    reduced_kwh_before: float
    points_before: int
    minor_units_before: int
    """what held until now"""
    by_interval: tuple[SettledInterval, ...] = ()
    programme: str | None = None
    """whose budget the difference moves"""
    baseline: SettledBaseline | None = None
    readings: str | None = None
    """as in RequestSettled; None where no stored sample decided: by readings of a dispute, or by a figure"""


class DisputeOpened(_Entry, frozen=True, kw_only=True, tag="dispute_opened"):
    """A customer, or somebody for them, does not agree with a settlement."""

    dispute: str
    request: str
    reason: Literal["readings_missing", "meter_wrong", "limit_not_received", "baseline_wrong", "other"]
    who: str
    """the role that entered it, never a name"""


class DisputeClosed(_Entry, frozen=True, kw_only=True, tag="dispute_closed"):
    """What came of a dispute; an upheld one stands beside its SettlementCorrected."""

    dispute: str
    request: str
    outcome: Literal["upheld", "rejected"]
    who: str
    why: str


class NoticeAnswered(_Entry, frozen=True, kw_only=True, tag="notice_answered"):
    """A customer said whether they take part in what a notice asks; the latest answer counts."""

    request: str
    answer: Literal["opted_in", "opted_out"]
    via: Literal["link", "api"]


class MessagePlanned(_Entry, frozen=True, kw_only=True, tag="message_planned"):
    """A further word to a customer about their request: durable before it goes out, at least once."""

    message: str
    """its id: request/kind/number"""
    request: str
    customer: str
    kind: Literal["follow_up", "thanks", "explanation"]
    p_kw: float | None = None
    """for a follow-up: what their meter shows"""
    reduced_kwh: float | None = None
    points: int | None = None
    """for thanks and explanation: as settled"""


class MessageDone(_Entry, frozen=True, kw_only=True, tag="message_done"):
    """The next hop took a message, or it was given up."""

    message: str
    outcome: Literal["sent", "given_up"]
    reason: str


class NoticeDelivered(_Entry, frozen=True, kw_only=True, tag="notice_delivered"):
    """What came of one try to tell a person something, over one channel; nothing of the address."""

    request: str
    kind: Literal["notice", "taken_back", "follow_up", "thanks", "explanation"]
    sequence: int
    channel: str
    """by its name in the settings"""
    result: str
    """`taken`, or why not: one of the fixed words of `devices.notices.words`"""


class ConsentWithdrawn(_Entry, frozen=True, kw_only=True, tag="consent_withdrawn"):
    """A customer wants no more messages. It counts from the moment it was noted with their contacts."""

    customer: str
    via: Literal["link", "sms", "api"]


class FactReported(_Entry, frozen=True, kw_only=True, tag="fact_reported"):
    """Something a customer did that may earn by the earning rules: a bill paid on time, an amount paid,
    taking part. Written in one commit with the LedgerPosted it earns, if any.
    """

    fact: str
    """its id, given by whoever reports it: the same id again changes nothing"""
    customer: str
    kind: str
    amount_minor_units: int | None
    currency: str | None
    occurred_at: datetime


class RedemptionMoved(_Entry, frozen=True, kw_only=True, tag="redemption_moved"):
    """One step of a redemption. Written in one commit with the LedgerPosted of the step."""

    redemption: str
    customer: str
    item: str
    """of the catalogue, as it was named then"""
    points: int
    state: Literal["pending", "fulfilled", "voided"]
    who: str
    reason: str
    deadline: datetime | None = None
    """of a pending one: what is not fulfilled by then is voided"""
    programme: str | None = None
    """whose budget what it is worth in money was held from"""


class PayoutMoved(_Entry, frozen=True, kw_only=True, tag="payout_moved"):
    """One step of a payout: its terms are told before its first transaction, its end after the last."""

    payout: str
    currency: str
    least: int
    """minor units: who has less is not paid"""
    state: Literal["begun", "booked"]


class JournalCheckpointed(_Entry, frozen=True, kw_only=True, tag="journal_checkpointed"):
    """The journal up to entry `size`, sealed with the site's key: what was sealed cannot be written anew by
    whoever has the store but not the key.
    """

    size: int
    root: str
    """of the Merkle tree over the entries' links 1 ... size (RFC 9162), in base64"""
    key: str
    """name of the key"""
    signature: str
    """Ed25519 over the checkpoint's text, in base64"""


class PersonalDataErased(_Entry, frozen=True, kw_only=True, tag="personal_data_erased"):
    """Name and contacts of a customer were erased from the contacts; the journal never had them."""

    customer: str
    cause: Literal["request", "retention"]
    who: str


class OverloadExpected(_Entry, frozen=True, kw_only=True, tag="overload_expected"):
    """An element is expected to leave its limits: announced before it does."""

    feeder: str
    element: str
    kind: str
    expected_at: datetime
    value: float
    """loading in percent, or voltage in pu, that is expected then"""
    limit: float
    probability: float


class ExpectationEnded(_Entry, frozen=True, kw_only=True, tag="expectation_ended"):
    """What was announced came, or is not expected any more."""

    feeder: str
    element: str
    kind: str
    outcome: Literal["came", "withdrawn"]


class FailsafeArmed(_Entry, frozen=True, kw_only=True, tag="failsafe_armed"):
    """The intent to tell a device of guard mode what to do in silence: durable before it is sent."""

    feeder: str
    device: str
    failsafe_kw: float
    failsafe_s: int
    """held at least so long"""
    heartbeat_timeout_s: int
    """after so long without a heartbeat"""
    epoch: int
    sequence: int


class FailsafeConfirmed(_Entry, frozen=True, kw_only=True, tag="failsafe_confirmed"):
    """The device's own status shows the failsafe that it was told."""

    feeder: str
    device: str
    failsafe_kw: float
    failsafe_s: int
    sequence: int
    """of the `FailsafeArmed` that it answers"""


class OperatorActed(_Entry, frozen=True, kw_only=True, tag="operator_acted"):
    """A person overrode the automatic."""

    who: str
    why: str
    action: OperatorAction
    feeder: str
    target: str | None
    order: str | None = None
    """of a limit: its id, which stands where those of events stand in what it asks for"""
    targets: tuple[str, ...] = ()
    """devices, customers or requests that a limit names"""
    limit_kw: float | None = None
    """as it was ordered; a device is told no less than its floor"""
    until: datetime | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    """(device, reason): named, but not to be limited"""
    draft: str | None = None
    """the draft that it carries out, or the emergency stop that it is a part of"""
    agreed_by: tuple[str, ...] = ()
    """who agreed besides `who`, where that took more than one person"""


DraftedAction = Literal[OperatorAction, "more_reach"]
DraftOutcome = Literal["carried_out", "withdrawn", "expired", "void", "failed"]


class OrderDrafted(_Entry, frozen=True, kw_only=True, tag="order_drafted"):
    """Somebody thinks of giving an order; nothing happens before it is confirmed."""

    draft: str
    feeder: str
    action: DraftedAction
    """more_reach: the automatic may command beyond its limits on reach for a while"""
    target: str | None = None
    targets: tuple[str, ...] = ()
    limit_kw: float | None = None
    until: datetime | None = None
    who: str
    why: str
    person: bool
    """`who` is proven by an account; False: a program, the shared token, or the automatic"""
    needed: int
    """so many different persons must agree, `who` counted where proven"""
    expires_at: datetime
    epoch: int
    """of the controller that took it: another one carries nothing of it out"""
    reach_percent: float | None = None
    """of the feeder's controllable power, as foreseen"""
    before_percent: float | None = None
    after_percent: float | None = None
    """highest loading as foreseen"""
    grants_s: float | None = None
    """of `more_reach`: for so long, once it is confirmed"""


class OrderAgreed(_Entry, frozen=True, kw_only=True, tag="order_agreed"):
    """Somebody confirmed a draft."""

    draft: str
    feeder: str
    who: str
    person: bool


class OrderClosed(_Entry, frozen=True, kw_only=True, tag="order_closed"):
    """What became of a draft. One that is carried out stands in one commit with what it does."""

    draft: str
    feeder: str
    outcome: DraftOutcome
    who: str
    why: str


class EmergencyStopped(_Entry, frozen=True, kw_only=True, tag="emergency_stopped"):
    """A person stopped everything: no automatic, and everybody is freed. It holds on each feeder until an
    `automatic_on` there.
    """

    stop: str
    who: str
    why: str
    manner: Literal["staggered", "at_once"]
    feeders: tuple[str, ...]


class CommandTaken(_Entry, frozen=True, kw_only=True, tag="command_taken"):
    """A command came under an idempotency key: in one commit with what it did, so that it is never done
    twice, also when the answer was lost.
    """

    principal: str
    key: str
    fingerprint: str
    """of the request: another one under the same key is a mistake"""
    did: Literal["draft", "confirm", "withdraw", "act", "stop"]
    about: str
    """the draft, act or stop by its id"""


class ShiftMatter(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stood when a shift was handed over."""

    kind: str
    """a word of `controller.shifts.standing`, such as automatic_off or excluded"""
    feeder: str | None
    what: str
    """the target, event, alarm, order or dispute that it is about; empty where the feeder says it all"""
    since: datetime | None = None
    until: datetime | None = None
    who: str | None = None
    why: str | None = None
    priority: str | None = None
    """of an alarm"""


class ShiftNote(_Entry, frozen=True, kw_only=True, tag="shift_note"):
    """Somebody on shift wrote something down."""

    note: int
    """its number, from 1 on over all shifts"""
    shift: int
    who: str
    text: str
    feeder: str | None = None
    """that it is about; None: no one feeder"""
    pinned: bool = False
    """goes on into the next shifts until it is unpinned or done"""


class ShiftNoteMarked(_Entry, frozen=True, kw_only=True, tag="shift_note_marked"):
    """A mark of a note was set or taken away; its text stays as it was written."""

    note: int
    who: str
    mark: ShiftMark


class ShiftHandedOver(_Entry, frozen=True, kw_only=True, tag="shift_handed_over"):
    """A shift is over. Written in one commit with the ShiftBegan of the next."""

    shift: int
    who: str
    """who handed over"""
    takes_over: str
    remarks: str
    standing: tuple[ShiftMatter, ...] = ()
    """what stood then, the most pressing first"""
    more: int = 0
    """matters that stood too and are not in `standing`"""
    more_by_feeder: dict[str, int] = {}
    """of these those of one feeder"""


class ShiftBegan(_Entry, frozen=True, kw_only=True, tag="shift_began"):
    """Somebody took the control room over."""

    shift: int
    who: str
    journal_size: int
    """entries that stood in the journal then: where to read on from"""


class AskedInRound(msgspec.Struct, frozen=True, array_like=True):
    """One request that a round of planning made, or made stricter."""

    request: str
    cut_kw: float
    """what this round takes away"""
    effect_per_kw: float | None = None
    """what a kW of its service point adds to the element: percentage points, or pu; None where not located"""


class LeftAlone(msgspec.Struct, frozen=True, array_like=True):
    """Devices that a round asked for nothing, for one reason."""

    reason: str
    """one of `round_record.REASONS`"""
    count: int
    devices: tuple[str, ...]
    """the first of them"""


class RoundPlanned(_Entry, frozen=True, kw_only=True, tag="round_planned"):
    """One round of planning: why those whose requests stand beside it, and why not the others."""

    event: str
    feeder: str
    element: str
    kind: str
    value: float
    limit: float
    """of the violation, there or expected, that called for it"""
    expected: bool
    asked: tuple[AskedInRound, ...]
    left: tuple[LeftAlone, ...]
    gate_refused: tuple[tuple[str, int], ...] = ()
    """by reason, how often the last gate held back what was planned"""


class AlarmNamed(msgspec.Struct, frozen=True, array_like=True):
    """Which alarm is meant."""

    alarm: str
    """its id: the same for the same kind, feeder and subject"""
    kind: str
    feeder: str | None
    """None: of the whole site"""
    subject: str
    """an element, a link, a device; empty where the feeder itself is meant"""


class AlarmRaised(_Entry, frozen=True, kw_only=True, tag="alarm_raised"):
    """Operators are told that something needs them; again when it became worse or has more to tell."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str
    priority: Literal["critical", "high", "medium", "low"]
    text: str
    value: float | None = None
    limit: float | None = None
    """loading in percent, voltage in pu, or a count, by kind"""


class AlarmReturned(_Entry, frozen=True, kw_only=True, tag="alarm_returned"):
    """What an alarm was about is over."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str


class AlarmAcknowledged(_Entry, frozen=True, kw_only=True, tag="alarm_acknowledged"):
    """Somebody has seen these alarms and answers for them."""

    alarms: tuple[AlarmNamed, ...]
    who: str
    why: str = ""
    """a remark; acknowledging needs no reason"""


class AlarmShelved(_Entry, frozen=True, kw_only=True, tag="alarm_shelved"):
    """Somebody took an alarm out of sight until a time."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str
    until: datetime
    who: str
    why: str


class AlarmUnshelved(_Entry, frozen=True, kw_only=True, tag="alarm_unshelved"):
    """A shelved alarm is in sight again: somebody took it back, or its time is over."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str
    cause: Literal["operator", "expired"]
    who: str
    """empty when its time is over"""
    why: str = ""


Entry = (
    ControllerStarted
    | ReadingsRefused
    | DataAlarm
    | ViolationAppeared
    | ViolationCleared
    | EventOpened
    | EventShort
    | EventClosed
    | RequestPlanned
    | RequestChanged
    | RequestSent
    | RequestAnswered
    | RequestMoved
    | LedgerPosted
    | RequestSettled
    | OperatorActed
    | OverloadExpected
    | ExpectationEnded
    | SettlementCorrected
    | DisputeOpened
    | DisputeClosed
    | NoticeAnswered
    | MessagePlanned
    | MessageDone
    | NoticeDelivered
    | ConsentWithdrawn
    | FactReported
    | RedemptionMoved
    | PayoutMoved
    | JournalCheckpointed
    | PersonalDataErased
    | FailsafeArmed
    | FailsafeConfirmed
    | OrderDrafted
    | OrderAgreed
    | OrderClosed
    | EmergencyStopped
    | CommandTaken
    | ShiftNote
    | ShiftNoteMarked
    | ShiftHandedOver
    | ShiftBegan
    | RoundPlanned
    | AlarmRaised
    | AlarmReturned
    | AlarmAcknowledged
    | AlarmShelved
    | AlarmUnshelved
)
