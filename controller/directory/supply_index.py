"""All customers and devices of a site in one order, each with a number, and the words that they are found by.

Built once from the registries, which never change while the daemon runs, in a thread beside the loop; then
only read. The order is that of the feeders in the settings, and within a feeder that of its files.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import accumulate, chain

from controller.directory.pauses import Pauses
from controller.directory.text_index import Span, TextIndex
from controller.feeder_control import FeederControl
from customers.registry import Customer, Device, Registry


class SupplyIndex:
    """Of one site. Any thread may read it."""

    def __init__(self, controls: Mapping[str, FeederControl], pauses: Pauses) -> None:
        """Takes some seconds for a million customers. Raises Stopped."""
        self._controls = tuple(controls.values())
        self._feeders = {feeder: place for place, feeder in enumerate(controls)}
        registries = [control.registry for control in self._controls]
        self._customer_starts = (0, *accumulate(len(one.customers) for one in registries))
        self._device_starts = (0, *accumulate(len(one.devices) for one in registries))
        self.customers = _laid_out(pauses, (_customer_words(one) for one in registries))
        self.devices = _laid_out(pauses, ((words[:-1] for words in _device_words(one)) for one in registries))
        """by what is theirs alone"""
        self.owned_devices = _laid_out(pauses, (_device_words(one) for one in registries))
        """by whose they are as well: an index of its own, so that the order of what is found tells nothing"""

    def customer(self, number: int) -> tuple[FeederControl, Customer]:
        """The customer of this number, and the feeder."""
        place = bisect_right(self._customer_starts, number) - 1
        control = self._controls[place]
        return control, control.registry.customers[number - self._customer_starts[place]]

    def device(self, number: int) -> tuple[FeederControl, Device]:
        """The device of this number, and its feeder."""
        place = bisect_right(self._device_starts, number) - 1
        control = self._controls[place]
        return control, control.registry.devices[number - self._device_starts[place]]

    def customer_spans(self, feeders: AbstractSet[str] | None) -> list[Span]:
        """The numbers of the customers of these feeders; None: of all."""
        return self._spans(self._customer_starts, feeders)

    def device_spans(self, feeders: AbstractSet[str] | None) -> list[Span]:
        """The numbers of the devices of these feeders; None: of all."""
        return self._spans(self._device_starts, feeders)

    def _spans(self, starts: tuple[int, ...], feeders: AbstractSet[str] | None) -> list[Span]:
        if feeders is None:
            return [(0, starts[-1])]
        places = sorted(self._feeders[feeder] for feeder in feeders if feeder in self._feeders)
        return [(starts[place], starts[place + 1]) for place in places]


def _laid_out(pauses: Pauses, of_feeders: Iterable[Iterable[tuple[str, ...]]]) -> TextIndex:
    return TextIndex(pauses.within(chain.from_iterable(of_feeders)))


def _customer_words(registry: Registry) -> Iterator[tuple[str, ...]]:
    devices_at = registry.devices_at
    for one in registry.customers:
        devices = (device.device for device in devices_at.get(one.service_point, ()))
        yield one.customer, one.service_point, one.meter, *devices


def _device_words(registry: Registry) -> Iterator[tuple[str, ...]]:
    owners = registry.by_service_point
    for one in registry.devices:
        owner = owners.get(one.service_point)
        yield one.device, one.service_point, "" if owner is None else owner.customer
