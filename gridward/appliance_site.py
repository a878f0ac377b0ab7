"""The feeders of a site as `gridward appliances` needs them: customers, what they own, where they are.

Reads and writes the files; knows no matching. One command at a time: a second one is told to wait.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from controller.errors import ConfigRejected
from controller.settings import Feeder, Site
from customers.appliances.appliance_files import COLUMNS, cells, load_appliances
from customers.appliances.private_files import write_private
from customers.appliances.values import Appliance
from customers.errors import Finding, RegistryRejected
from customers.registry import Registry
from customers.registry_files import load_registry
from customers.rows import Row
from customers.tables import read_table
from grid_model.network import load_network
from gridward.csv_text import csv_text

Place = tuple[float, float]
"""latitude and longitude"""


class Locked(Exception):
    """Another `gridward appliances` writes the same site."""


class Feeders:
    """The feeders that have an `appliances` file."""

    def __init__(self, site: Site) -> None:
        """Raises RegistryRejected, and ConfigRejected where no feeder has one."""
        self.site = site
        self.registry: dict[str, Registry] = {
            feeder.id: load_registry(feeder.customers, feeder.devices) for feeder in self.feeders
        }
        if not self.registry:
            expected = 'expected appliances = "appliances.csv" in a [[feeder]]: where they are kept'
            raise ConfigRejected([f"feeder.appliances: {expected}"])

    @property
    def feeders(self) -> tuple[Feeder, ...]:
        """Those with a file."""
        return tuple(feeder for feeder in self.site.feeder if feeder.appliances is not None)

    @cached_property
    def service_point(self) -> Mapping[str, str]:
        """By customer."""
        return {c.customer: c.service_point for r in self.registry.values() for c in r.customers}

    @cached_property
    def feeder_of(self) -> Mapping[str, str]:
        """By customer."""
        return {c.customer: name for name, r in self.registry.items() for c in r.customers}

    def appliances(self) -> dict[str, tuple[Appliance, ...]]:
        """What is held, by feeder; nothing where there is no file yet. Raises RegistryRejected."""
        return {
            feeder.id: load_appliances(feeder.appliances)
            for feeder in self.feeders
            if feeder.appliances is not None and feeder.appliances.exists()
        }

    def write(
        self, appliances: Sequence[Appliance], before: Mapping[str, Sequence[Appliance]]
    ) -> dict[str, int]:
        """Each feeder's file, whole or not at all; how many each holds. Who is not supplied any more stays in
        the file of `before`. Raises OSError.
        """
        count = {}
        last = {one.customer: name for name, held in before.items() for one in held}
        for feeder in self.feeders:
            own = [
                one
                for one in appliances
                if self.feeder_of.get(one.customer, last.get(one.customer)) == feeder.id
            ]
            count[feeder.id] = len(own)
            assert feeder.appliances is not None
            write_private(feeder.appliances, csv_text(COLUMNS, map(cells, own)), 0o640)
        return count

    @property
    def memory_file(self) -> Path:
        """Beside the contacts: what was decided, and what waits."""
        return self.site.contacts.path.parent / "appliance_matching.json"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps a second writer out. Raises Locked."""
        path = self.memory_file.with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Locked(f"another command writes the appliances of this site ({path})") from error
            yield
        finally:
            os.close(lock)

    def places(self, file: Path | None) -> dict[str, Place]:
        """Where customers are: by the file, or else by their bus's coordinates in the network, if those are
        degrees.
        """
        known: dict[str, Place] = {}
        if file is not None:
            at = _places_in(file)
            return {c: at[point] for c, point in self.service_point.items() if point in at}
        for feeder in self.feeders:
            network = load_network(feeder.network, metered_generation=feeder.metered_generation)
            xy, position = network.buses.xy, network.service_point_index()
            if (
                not np.isfinite(xy).any()
                or np.nanmax(np.abs(xy[:, 0])) > 180
                or np.nanmax(np.abs(xy[:, 1])) > 90
            ):
                continue
            for customer in self.registry[feeder.id].customers:
                place = position.get(customer.service_point)
                if place is not None and np.isfinite(xy[network.service_point_bus[place]]).all():
                    longitude, latitude = xy[network.service_point_bus[place]]
                    known[customer.customer] = (float(latitude), float(longitude))
        return known


def _places_in(path: Path) -> dict[str, Place]:
    findings: list[Finding] = []
    rows = read_table(path, ("service_point", "latitude", "longitude"), (), _place, findings)
    if findings:
        raise RegistryRejected(findings)
    return {point: place for _, (point, place) in rows}


def _place(row: Row) -> tuple[str, Place] | None:
    point = row.text("service_point")
    latitude, longitude = _degrees(row, "latitude", 90.0), _degrees(row, "longitude", 180.0)
    if point is None or latitude is None or longitude is None:
        return None
    return point, (latitude, longitude)


def _degrees(row: Row, field: str, most: float) -> float | None:
    text = row.text(field)
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not -most <= value <= most:
        if text is not None:
            row.fault(field, f"expected degrees from {-most:g} to {most:g}, got {text!r}")
        return None
    return value
