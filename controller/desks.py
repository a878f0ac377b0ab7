"""The desks beside the rounds: what people and other programmes ask of a running daemon, one for each
subject. Part of the shell.

Each writes through the one keeper and under the rounds' own turn, so nothing is decided on books that
somebody else is changing. Builds them; does nothing itself.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from controller.alarms.alarm_desk import AlarmDesk
from controller.bookkeeping import Offload
from controller.cycle import Decisions
from controller.directory.customer_desk import CustomerDesk
from controller.directory.device_desk import DeviceDesk
from controller.directory.directory import Directory
from controller.entries import DataAlarm
from controller.footing import Footing
from controller.in_turn import InTurn
from controller.live import Live
from controller.occurrences.event_desk import EventDesk
from controller.orders.carrying import Carrier
from controller.orders.order_desk import OrderDesk
from controller.people.call_rules import zone_of
from controller.people.contacts_desk import ContactsDesk
from controller.people.people_desk import PeopleDesk
from controller.proving.kept_readings import KeptReadings
from controller.proving.settlement_desk import SettlementDesk
from controller.rewards.rewards_desk import RewardsDesk
from controller.shifts.shift_desk import ShiftDesk
from controller.stores.port import Store
from customers.contacts import LookableContacts
from customers.opt_out_links import OptOutLinks
from devices.ports import Clock, LinkHealth


@dataclass(frozen=True)
class Desks:
    """Of one daemon."""

    people: PeopleDesk
    rewards: RewardsDesk
    settlements: SettlementDesk
    shifts: ShiftDesk
    customers: CustomerDesk
    devices: DeviceDesk
    events: EventDesk
    contacts: ContactsDesk | None
    """None where a site keeps no contacts"""
    orders: OrderDesk
    alarms: AlarmDesk


def build_desks(
    footing: Footing,
    *,
    store: Store,
    background: Offload,
    ready: Callable[[], Awaitable[None]],
    open_contacts: Callable[[], LookableContacts] | None,
    carrier: Carrier,
    live: Live,
    health: Mapping[str, LinkHealth],
    latest: Callable[[str], Decisions | None],
    wire_clock: Clock,
    past: KeptReadings | None = None,
) -> Desks:
    """All of them. The rounds are the `carrier` of orders. `background`: a thread beside theirs. `ready`
    returns once the journal is read. `latest`: what a feeder's latest cycle decided. `wire_clock`: real time,
    for deadlines. `past`: readings that the store does not keep any more; for the `background` thread alone.
    """
    site, controls, keeper = footing.site, footing.controls, footing.keeper
    turn, clock = footing.turn, footing.clock
    links = next((control.links for control in controls.values()), None)
    supplied = frozenset(customer for control in controls.values() for customer in control.customer)
    directory = Directory(
        site,
        controls,
        keeper=keeper,
        latest=latest,
        connected=lambda link: health[link].connected if link in health else None,
        clock=clock,
        wire_clock=wire_clock,
        ready=ready,
    )
    return Desks(
        people=PeopleDesk(keeper, turn, clock, controls, links, ready=ready),
        orders=OrderDesk(keeper, turn, clock, site, controls, carrier=carrier, ready=ready),
        alarms=AlarmDesk(
            keeper,
            turn,
            clock,
            site,
            live=live,
            metrics=footing.metrics,
            store=store,
            background=background,
            links=health,
            ready=ready,
            data_alarms=partial(_data_alarms, latest),
        ),
        rewards=RewardsDesk(
            keeper, turn, clock, site.rewards, customers=supplied, ready=ready, offload=background
        ),
        settlements=SettlementDesk(
            keeper,
            turn,
            clock,
            store=store,
            controls=controls,
            offload=background,
            site=site,
            past=past,
            ready=ready,
        ),
        shifts=ShiftDesk(
            keeper,
            turn,
            clock,
            feeders=tuple(controls),
            store=store,
            offload=InTurn().do,
            ready=ready,
            wire_clock=wire_clock,
        ),
        customers=CustomerDesk(directory, open_contacts, zone_of(site)),
        devices=DeviceDesk(directory),
        events=EventDesk.of(site, controls, clock),
        contacts=None
        if open_contacts is None
        else ContactsDesk(
            open_contacts,
            keeper,
            clock,
            background,
            ready,
            links=OptOutLinks.beside(links),
            zone=zone_of(site),
        ),
    )


def _data_alarms(latest: Callable[[str], Decisions | None], feeder: str) -> tuple[DataAlarm, ...]:
    found = latest(feeder)
    return () if found is None else tuple(one for one in found.entries if isinstance(one, DataAlarm))
