"""Which sentences say of whom something was asked or what a customer did, and what is said instead to who may
not see customers. Pure. Part of the narration.
"""

from collections.abc import Mapping
from dataclasses import replace

from controller import entries as e
from controller.views import Told

OF_NOBODY = (
    e.ControllerStarted,
    e.ReadingsRefused,
    e.DataAlarm,
    e.ViolationAppeared,
    e.ViolationCleared,
    e.EventOpened,
    e.EventShort,
    e.EventClosed,
    e.OverloadExpected,
    e.ExpectationEnded,
    e.RoundPlanned,
    e.JournalCheckpointed,
    e.PayoutMoved,
    e.FailsafeArmed,
    e.FailsafeConfirmed,
    e.ShiftNote,
    e.ShiftNoteMarked,
    e.ShiftHandedOver,
    e.ShiftBegan,
    e.EmergencyStopped,
    e.CommandTaken,
    e.AlarmRaised,
    e.AlarmReturned,
    e.AlarmAcknowledged,
    e.AlarmShelved,
    e.AlarmUnshelved,
)
"""These name meters and devices at most, which stand in the list of devices too, never what was asked of
them."""
INSTEAD: Mapping[str, str] = {
    "request_planned": "A device or a person is asked to take less, or to feed in less",
    "request_changed": "A request was changed or taken back",
    "request_sent": "A request was sent",
    "request_answered": "A request was answered",
    "request_moved": "A request is one step further",
    "beside_moved": "Other devices behind the meter of a request do something else",
    "request_settled": "A request was settled",
    "ledger_posted": "Credits were booked",
    "settlement_corrected": "A settlement was corrected",
    "dispute_opened": "A dispute was opened",
    "dispute_closed": "A dispute was closed",
    "notice_answered": "A customer answered a notice",
    "notice_delivered": "A customer was told something, or could not be",
    "message_planned": "A customer is to be told something",
    "message_done": "A customer was told something, or could not be",
    "consent_withdrawn": "A customer wants no more messages",
    "fact_reported": "Something that a customer did was reported",
    "redemption_moved": "A redemption is one step further",
    "personal_data_erased": "The name and contacts of a customer were erased",
    "operator_acted": "An operator ordered something for single customers or devices",
    "order_drafted": "An operator drafted an order for single customers or devices",
    "order_agreed": "Somebody agreed to an order",
    "order_closed": "An order was carried out, or came to nothing",
}
"""by the entry's tag"""


def is_personal(entry: e.Entry) -> bool:
    """Whether the entry's sentence says of whom it is."""
    if isinstance(entry, e.OperatorActed | e.OrderDrafted):
        return entry.target is not None or bool(entry.targets)
    return not isinstance(entry, OF_NOBODY)


def impersonal(told: Told) -> Told:
    """The sentence as it is told to who may not see customers."""
    if not told.personal:
        return told
    return replace(told, text=INSTEAD.get(told.entry, "Something was done for a customer"))
