"""Words to customers and from them. Nothing of a name or an address."""

from typing import Literal

from controller.entries.journal_entry import JournalEntry


class NoticeAnswered(JournalEntry, frozen=True, kw_only=True, tag="notice_answered"):
    """A customer said whether they take part in what a notice asks; the latest answer counts."""

    request: str
    answer: Literal["opted_in", "opted_out"]
    via: Literal["link", "api"]


class MessagePlanned(JournalEntry, frozen=True, kw_only=True, tag="message_planned"):
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


class MessageDone(JournalEntry, frozen=True, kw_only=True, tag="message_done"):
    """The next hop took a message, or it was given up."""

    message: str
    outcome: Literal["sent", "given_up"]
    reason: str


class NoticeDelivered(JournalEntry, frozen=True, kw_only=True, tag="notice_delivered"):
    """What came of one try to tell a person something, over one channel; nothing of the address."""

    request: str
    kind: Literal["notice", "taken_back", "follow_up", "thanks", "explanation"]
    sequence: int
    channel: str
    """by its name in the settings"""
    result: str
    """`taken`, or why not: one of the fixed words of `devices.notices.words`"""


class ConsentWithdrawn(JournalEntry, frozen=True, kw_only=True, tag="consent_withdrawn"):
    """A customer wants no more messages. It counts from the moment it was noted with their contacts."""

    customer: str
    via: Literal["link", "sms", "api"]


class PersonalDataErased(JournalEntry, frozen=True, kw_only=True, tag="personal_data_erased"):
    """Name and contacts of a customer were erased from the contacts; the journal never had them."""

    customer: str
    cause: Literal["request", "retention"]
    who: str
