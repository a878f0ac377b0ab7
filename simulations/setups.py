"""What the runs of a scenario share: its network, its draw of the field, and the daemon's site."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from controller.settings import Feeder, Site
from controller.settings import Store as StoreSettings
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from simulations.draws import stream
from simulations.errors import ScenarioRejected
from simulations.feeders import feeders_of, nobody_at_stations
from simulations.own_profiles import with_own_profiles
from simulations.population import Population, draw_population
from simulations.profiles import BaseLoad, load_profiles
from simulations.reconfiguration import Stage, stages_of
from simulations.scenario import Scenario
from simulations.weather import Outdoors, outdoors_of


@dataclass(frozen=True)
class Setup:
    """What all runs of a feeder share."""

    scenario: Scenario
    network: Network
    load_flow: FactoredLoadFlow
    population: Population
    base: BaseLoad
    secret: bytes
    outdoors: Outdoors
    later: tuple[Stage, ...] = ()
    """what the network becomes during the run"""
    supplied_at: str | None = None
    """the service point of the first feeder that this one hangs on"""

    @property
    def feeder(self) -> str:
        """Its id."""
        return self.scenario.network.feeder


def prepare(scenario: Scenario) -> Setup:
    """Load the network of a scenario with one feeder and draw the field. Raises NetworkRejected;
    ScenarioRejected for its files, and for more feeders: whoever asks for one would leave the others out."""
    if scenario.feeder:
        ids = ", ".join(row.id for row in scenario.feeder)
        raise ScenarioRejected([f"feeder: expected the feeder of [network] only here, got {ids} as well"])
    scenario = nobody_at_stations(scenario)
    first, *later = stages_of(scenario)
    network = first.network
    outdoors = outdoors_of(scenario)
    start, days = scenario.time.start, scenario.time.days
    return Setup(
        scenario=scenario,
        network=network,
        load_flow=first.load_flow,
        population=draw_population(network, scenario, outdoors),
        base=with_own_profiles(
            load_profiles(network, start, days, stream(scenario.seed, "households")), network, scenario
        ),
        secret=f"gridward simulation, seed {scenario.seed}".encode(),
        outdoors=outdoors,
        later=tuple(later),
    )


def prepare_all(scenario: Scenario) -> tuple[Setup, ...]:
    """All feeders of a scenario, that of `[network]` first. Raises as `prepare`."""
    first, *others = (prepare(one) for one in feeders_of(scenario))
    known = first.network.service_point_index()
    unknown = [
        f"feeder.{row}.supplied_at: {one.supplied_at!r} is not in the network {first.network.source}; "
        f"expected such as {first.network.service_points[0]!r}"
        for row, one in enumerate(scenario.feeder)
        if one.supplied_at is not None and one.supplied_at not in known
    ]
    if unknown:
        raise ScenarioRejected(unknown)
    return (
        first,
        *(
            replace(setup, secret=first.secret, supplied_at=row.supplied_at)
            for setup, row in zip(others, scenario.feeder, strict=True)
        ),
    )


def site_of(scenario: Scenario, store: Path, feeders: Sequence[Scenario] = ()) -> Site:
    """The site that the daemon runs: its feeders, the scenario's control settings."""
    control = scenario.control
    return Site(
        name=scenario.title or scenario.network.source,
        feeder=tuple(
            Feeder(
                id=one.network.feeder,
                network=one.network.source,
                customers=Path("customers.csv"),
                devices=Path("devices.csv"),
            )
            for one in feeders or (scenario,)
        ),
        cycle=control.cycle,
        limits=control.limits,
        events=control.events,
        look_ahead=control.look_ahead,
        requests=control.requests,
        safety=control.safety,
        rewards=control.rewards,
        store=StoreSettings(path=store, durable=False, keep_samples_days=scenario.time.days + 1),
    )
