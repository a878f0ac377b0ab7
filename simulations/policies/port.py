"""What a policy is: a rule that says, step by step, what each device may take.

There are two kinds. A *rule* sees what meters, devices and load flow tell at a step, as the daemon does; what
it decides goes out as commands to the same emulated devices (`commands.py`), some of which refuse, answer
late or vanish. The *optimum* (`optimum.py`) is told what nobody can know and commands nobody: its limits
hold at once. Ours is neither: the daemon itself runs (`runs.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from controller.bounds import direction_of
from controller.feeder_control import ElementLimits, build_control
from controller.settings import Requests
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Ints, Network
from grid_model.violations import Limits
from simulations.setups import Setup, site_of

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Feeder:
    """What every policy may know beforehand: the network, its limits, and who has what."""

    network: Network
    load_flow: FactoredLoadFlow
    limits: Limits
    element_limits: ElementLimits
    target_network: Network
    """with every element's own limit scaled by `requests.target_share`"""
    target_limits: Limits
    requests: Requests
    """margins and times, the same as the daemon's"""
    place: Ints
    """(n_device,) position of each device's service point"""
    floor_kw: Floats
    """(n_device,) guaranteed minimum"""
    rated_kw: Floats
    """(n_device,)"""
    may_be_limited: Flags
    """(n_device,) not of a critical customer"""
    feeds_in: Flags
    """(n_device,) inverters: their limit is of what they feed in"""
    refuses: Flags
    """(n_device,) whose owner declines every request: for the optimum alone, a rule must find it out"""


@dataclass(frozen=True)
class Look:
    """What a rule is shown at one step."""

    at: datetime
    p_kw: Floats
    """(n_sp,) at the meters"""
    q_kvar: Floats
    """(n_sp,)"""
    device_kw: Floats
    """(n_device,)"""
    free_kw: Floats
    """(n_device,) what each would take if it were free, as far as one can tell: what it takes, or where a
    limit holds it back what it took before"""
    asking_s: Floats
    """(n_device,) for how long each has been taking something; 0 for those that take nothing"""
    open_to: Flags
    """(n_device,) may be limited, is reachable and has not refused"""


class Rule(Protocol):
    """Who is limited, and to what. No state: what it knows is in the look."""

    def limits(self, feeder: Feeder, look: Look, aim: float) -> Floats:
        """(n_device,) kW, inf where a device stays free; called while something is over a limit, or would be
        with everybody free. `aim` is the share of each limit to come down to.
        """
        ...


def feeder_of(setup: Setup) -> Feeder:
    """What is known beforehand, from the setup of a scenario."""
    population, registry = setup.population, setup.population.registry
    site = site_of(setup.scenario, Path("nothing-is-stored"))
    control = build_control(site, site.feeder[0], setup.network, registry, setup.load_flow)
    return Feeder(
        network=setup.network,
        load_flow=setup.load_flow,
        limits=control.limits,
        element_limits=control.element_limits,
        target_network=control.target_network,
        target_limits=control.target_limits,
        requests=site.requests,
        place=population.device_place,
        floor_kw=np.array([device.min_kw for device in registry.devices]),
        rated_kw=np.array([device.rated_kw for device in registry.devices]),
        may_be_limited=np.array([not registry.is_protected(d) for d in registry.devices], dtype=bool),
        feeds_in=feeding_in(setup),
        refuses=population.refuses,
    )


def feeding_in(setup: Setup) -> Flags:
    """(n_device,) whose limits are of what they feed in."""
    devices = setup.population.registry.devices
    return np.array([direction_of(device.kind) == "production" for device in devices], dtype=bool)


def worst_share(feeder: Feeder, look: Look, limit_kw: Floats) -> float:
    """The worst loading or voltage, as a share of what is allowed, were the devices limited like this."""
    more_kw = np.minimum(look.free_kw, limit_kw) - look.device_kw
    p_kw = look.p_kw + np.bincount(feeder.place, more_kw, len(look.p_kw))
    return feeder.element_limits.worst_ratio(feeder.load_flow.solve(p_kw, look.q_kvar))
