"""The network as it is switched during a run: ties that are laid and open, and what opens and closes when.

Each stage is a network of its own with the same buses, lines and service points, so that everything else
stays as it is. Raises ScenarioRejected for elements that are none, and for a stage that leaves somebody
without supply.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from grid_model.errors import NetworkRejected
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network, network_of
from grid_model.network_sources import read_net
from simulations.errors import ScenarioRejected
from simulations.scenario import Scenario, Switching, Tie


@dataclass(frozen=True)
class Stage:
    """The network from a time on."""

    at: datetime
    network: Network
    load_flow: FactoredLoadFlow
    known: bool
    """whether the controller is told"""


def stages_of(scenario: Scenario) -> tuple[Stage, ...]:
    """The network at the start, and after each switching, in the order of time."""
    source, compiled = scenario.network.source, scenario.control.cycle.compiled
    start = scenario.time.start.astimezone(UTC)
    if not scenario.network.tie and not scenario.switching:
        return (_stage(start, load_network(source, metered_generation=True), compiled, known=True),)
    net = read_net(source)
    findings = [finding for tie in scenario.network.tie if (finding := _lay(net, tie)) is not None]
    if findings:
        raise ScenarioRejected(findings)
    # the last of that name: a network's own line may be called the same
    names = {
        tie.name: f"line:{net.line.index[net.line.name == tie.name][-1]}" for tie in scenario.network.tie
    }
    stages = [_stage(start, _checked(net, source, "network.tie"), compiled, known=True)]
    for number, one in sorted(enumerate(scenario.switching), key=lambda pair: pair[1].at):
        _switch(net, one, names, f"switching.{number}")
        network = _checked(net, source, f"switching.{number}")
        if network.service_points != stages[0].network.service_points:
            raise ScenarioRejected([f"switching.{number}: expected all service points to keep their supply"])
        stages.append(_stage(one.at.astimezone(UTC), network, compiled, known=one.known))
    return tuple(stages)


def moved(stages: Sequence[Stage], by: timedelta) -> tuple[Stage, ...]:
    """The same switching, so much later."""
    return tuple(replace(stage, at=stage.at + by) for stage in stages)


def _stage(at: datetime, network: Network, compiled: bool, *, known: bool) -> Stage:
    return Stage(at, network, FactoredLoadFlow(network, compiled=compiled), known)


def _checked(net: Any, source: str, place: str) -> Network:
    try:
        return network_of(copy.deepcopy(net), source, metered_generation=True)
    except NetworkRejected as fault:
        raise ScenarioRejected([f"{place}: {problem}" for problem in fault.findings]) from fault


def _lay(net: Any, tie: Tie) -> str | None:
    """Add a line that is open, with the data of another one; what is wrong with it."""
    ends = [_index(net, name, "bus") for name in (tie.from_bus, tie.to_bus)]
    like = _index(net, tie.like, "line")
    for name, found, kind in (
        (tie.from_bus, ends[0], "bus"),
        (tie.to_bus, ends[1], "bus"),
        (tie.like, like, "line"),
    ):
        if found is None:
            return f"network.tie {tie.name}: {name!r} is not in the network; expected such as {kind}:0"
    number = int(net.line.index.max()) + 1
    net.line.loc[number] = net.line.loc[like]
    for column, value in (
        ("name", tie.name),
        ("from_bus", ends[0]),
        ("to_bus", ends[1]),
        ("length_km", tie.length_km),
        ("in_service", False),
        ("geo", None),
    ):
        if column in net.line:
            net.line.loc[number, column] = value
    net.line = net.line.astype({"from_bus": "int64", "to_bus": "int64", "in_service": bool})
    return None


def _switch(net: Any, one: Switching, ties: dict[str, str], place: str) -> None:
    findings: list[str] = []
    for name, closed in (*((name, False) for name in one.open), *((name, True) for name in one.close)):
        element = ties.get(name, name)
        table, column = ("line", "in_service") if element.startswith("line:") else ("switch", "closed")
        index = _index(net, element, table)
        if index is None:
            expected: Sequence[str] = ("switch:0", "line:0", *ties)
            findings.append(
                f"{place}: {name!r} is not in the network; expected such as {', '.join(expected)}"
            )
            continue
        net[table].loc[index, column] = closed
    if findings:
        raise ScenarioRejected(findings)


def _index(net: Any, element: str, table: str) -> int | None:
    kind, _, number = element.partition(":")
    if kind != table or not number.isdigit() or int(number) not in net[table].index:
        return None
    return int(number)
