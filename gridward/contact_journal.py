"""Tells the journal what was erased of the contacts: through the daemon where one runs, or else directly.

There is one writer of a journal. A daemon that runs is asked over its API; where none answers, and nobody
holds the store, the entry is written here as a controller would write it.
"""

from contextlib import closing
from urllib.parse import quote

from controller.errors import ControllerError
from controller.people.contacts_desk import entries_of
from controller.settings import Site
from controller.stores.opening import open_store
from controller.stores.port import StoreUnavailable
from customers.contacts import Access, ErasableContacts
from gridward.api_client import ApiClient, ApiError, NoToken, NotReached

HOLDER = "gridward contacts"


def tell_journal(site: Site, contacts: ErasableContacts, access: Access) -> str | None:
    """Tell it all that it has not got yet. Returns why that has to wait; None when nothing waits."""
    waiting = contacts.to_journal()
    if not waiting:
        return None
    try:
        path = f"/api/v1/customers/{quote(waiting[0].customer, safe='')}/erase-contacts"
        ApiClient.of(site).post(path, {"who": access.who, "why": access.why or "-"})
    except (NoToken, NotReached) as error:
        return _write(site, contacts, error)
    except ApiError as error:
        return str(error)
    return None if not contacts.to_journal() else "the daemon cannot write it now"


def _write(site: Site, contacts: ErasableContacts, not_asked: ApiError) -> str | None:
    """Where the daemon cannot be asked: it may not run at all."""
    if site.store.postgres is None and not site.store.path.exists():
        return "there is no journal yet"
    try:
        with closing(open_store(site.store)) as store:
            store.take_over(HOLDER)
            waiting = contacts.to_journal()
            store.commit(entries_of(waiting))
    except (StoreUnavailable, ControllerError) as error:
        return f"{error} ({not_asked})"
    contacts.journaled(waiting)
    return None
