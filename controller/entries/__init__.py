"""The vocabulary of the journal: every fact and decision that matters, as frozen values.

An entry is durable before it takes effect outside. State is what replaying all entries gives: nothing here
knows how they are stored, sent or shown. `at` is aware UTC. Entries are only ever added to the union below
at its end; a field added later has a default, so that old journals still replay.

feeders      what a feeder shows                       events       occurrences of violations, and rounds
requests     the life of a request                     failsafes    what devices do in silence
settlements  what meters prove, corrections, disputes  rewards      ledger, facts, redemptions, payouts
people       words to customers and from them          orders       what operators ordered
shifts       the control room                          alarms       what needs operators
record       the journal about itself
"""

from controller.entries.alarms import (
    AlarmAcknowledged,
    AlarmNamed,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
)
from controller.entries.events import (
    AskedInRound,
    EventClosed,
    EventOpened,
    EventShort,
    LeftAlone,
    RoundPlanned,
)
from controller.entries.failsafes import FailsafeArmed, FailsafeConfirmed
from controller.entries.feeders import (
    DataAlarm,
    ExpectationEnded,
    OverloadExpected,
    ReadingsRefused,
    ViolationAppeared,
    ViolationCleared,
)
from controller.entries.orders import (
    CommandTaken,
    DraftedAction,
    DraftOutcome,
    EmergencyStopped,
    OperatorActed,
    OperatorAction,
    OrderAgreed,
    OrderClosed,
    OrderDrafted,
)
from controller.entries.people import (
    ConsentWithdrawn,
    MessageDone,
    MessagePlanned,
    NoticeAnswered,
    NoticeDelivered,
    PersonalDataErased,
)
from controller.entries.record import ControllerStarted, JournalCheckpointed
from controller.entries.requests import (
    BesideMoved,
    Ordered,
    RequestAnswered,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
    RequestSent,
    RequestState,
    Resource,
)
from controller.entries.rewards import FactReported, LedgerPosted, PayoutMoved, RedemptionMoved
from controller.entries.settlements import (
    DisputeClosed,
    DisputeOpened,
    Outcome,
    RequestSettled,
    SettledBaseline,
    SettledInterval,
    SettledRules,
    SettledSun,
    SettlementCorrected,
)
from controller.entries.shifts import (
    ShiftBegan,
    ShiftHandedOver,
    ShiftMark,
    ShiftMatter,
    ShiftNote,
    ShiftNoteMarked,
)

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
    | BesideMoved
)

__all__ = [
    "AlarmAcknowledged",
    "AlarmNamed",
    "AlarmRaised",
    "AlarmReturned",
    "AlarmShelved",
    "AlarmUnshelved",
    "AskedInRound",
    "BesideMoved",
    "CommandTaken",
    "ConsentWithdrawn",
    "ControllerStarted",
    "DataAlarm",
    "DisputeClosed",
    "DisputeOpened",
    "DraftOutcome",
    "DraftedAction",
    "EmergencyStopped",
    "Entry",
    "EventClosed",
    "EventOpened",
    "EventShort",
    "ExpectationEnded",
    "FactReported",
    "FailsafeArmed",
    "FailsafeConfirmed",
    "JournalCheckpointed",
    "LedgerPosted",
    "LeftAlone",
    "MessageDone",
    "MessagePlanned",
    "NoticeAnswered",
    "NoticeDelivered",
    "OperatorActed",
    "OperatorAction",
    "OrderAgreed",
    "OrderClosed",
    "OrderDrafted",
    "Ordered",
    "Outcome",
    "OverloadExpected",
    "PayoutMoved",
    "PersonalDataErased",
    "ReadingsRefused",
    "RedemptionMoved",
    "RequestAnswered",
    "RequestChanged",
    "RequestMoved",
    "RequestPlanned",
    "RequestSent",
    "RequestSettled",
    "RequestState",
    "Resource",
    "RoundPlanned",
    "SettledBaseline",
    "SettledInterval",
    "SettledRules",
    "SettledSun",
    "SettlementCorrected",
    "ShiftBegan",
    "ShiftHandedOver",
    "ShiftMark",
    "ShiftMatter",
    "ShiftNote",
    "ShiftNoteMarked",
    "ViolationAppeared",
    "ViolationCleared",
]
