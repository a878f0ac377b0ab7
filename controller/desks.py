"""The desks beside the rounds: what people and other programmes ask of a running daemon, one for each
subject. Part of the shell.

Each writes through the one keeper and under the rounds' own turn, so nothing is decided on books that
somebody else is changing. Builds them; does nothing itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from controller import settings
from controller.bookkeeping import Bookkeeper, Offload
from controller.feeder_control import FeederControl
from controller.people.call_rules import zone_of
from controller.people.contacts_desk import ContactsDesk
from controller.people.people_desk import PeopleDesk
from controller.proving.kept_readings import KeptReadings
from controller.proving.settlement_desk import SettlementDesk
from controller.rewards.rewards_desk import RewardsDesk
from controller.stores.port import Store
from customers.contacts import ErasableContacts
from customers.opt_out_links import OptOutLinks
from devices.ports import Clock


@dataclass(frozen=True)
class Desks:
    """Of one daemon."""

    people: PeopleDesk
    rewards: RewardsDesk
    settlements: SettlementDesk
    contacts: ContactsDesk | None
    """None where a site keeps no contacts"""


def build_desks(
    site: settings.Site,
    controls: Mapping[str, FeederControl],
    *,
    keeper: Bookkeeper,
    turn: asyncio.Lock,
    clock: Clock,
    store: Store,
    background: Offload,
    ready: Callable[[], Awaitable[None]],
    open_contacts: Callable[[], ErasableContacts] | None,
    past: KeptReadings | None = None,
) -> Desks:
    """All of them. `turn`: the rounds'. `background`: a thread beside that of the rounds. `ready`
    returns once the journal is read. `past`: readings that the store does not keep any more; for the
    `background` thread alone.
    """
    links = next((control.links for control in controls.values()), None)
    supplied = frozenset(customer for control in controls.values() for customer in control.customer)
    return Desks(
        people=PeopleDesk(keeper, turn, clock, controls, links, ready=ready),
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
