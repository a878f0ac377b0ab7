"""A network whose customers hang on phases, as fixed tables [before 2].

Two ways lead here: a network with `asymmetric_load` rows (the IEEE European low-voltage feeder), or a
balanced one whose customers a file assigns to phases. A `load` that nothing is said about stays spread over
all three. Every balanced check and table is that of `grid_model.network`; here is only what phases add.
"""

import copy
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grid_model.checks.shape import broken_shape, missing_tables
from grid_model.errors import Finding, NetworkRejected
from grid_model.network import BEHIND_METERS, Branches, Buses, Floats, Ints, Network, network_of
from grid_model.network_checks import check_net
from grid_model.network_sources import read_net
from grid_model.three_phase.network_checks import CUSTOMER_TABLES, active, check_three_phase
from grid_model.three_phase.phases import BETWEEN, PHASES, Bools, connected_phases
from grid_model.three_phase.typical_values import fill_typical_values


@dataclass(frozen=True)
class ThreePhaseNetwork:
    """A network that passed its checks, balanced and unbalanced."""

    source: str
    net: Any
    """The pandapower network; nobody changes it after loading."""
    buses: Buses
    lines: Branches
    transformers: Branches
    service_points: tuple[str, ...]
    """(n_sp,) unique names: the customer's own, or its id"""
    load_ids: tuple[str, ...]
    """(n_sp,) `asymmetric_load:INDEX` or `load:INDEX`"""
    service_point_bus: Ints
    """(n_sp,) position in `Buses`"""
    connected: Bools
    """(n_sp, 3) on which of a, b, c it may take power; in delta, between which of ab, bc, ca"""
    delta: Bools
    """(n_sp,) connected between phases instead of to the neutral"""
    default_p_kw: Floats
    """(n_sp, 3) what the network itself says of each customer"""
    default_q_kvar: Floats
    warnings: tuple[Finding, ...] = ()
    ambiguous_names: frozenset[str] = frozenset()
    """Names that several customers share, so that none of them can be meant."""

    def service_point_index(self) -> dict[str, int]:
        """Every accepted spelling of a service point (its name, and its id) and its position."""
        by_id = {load_id: position for position, load_id in enumerate(self.load_ids)}
        return by_id | {name: position for position, name in enumerate(self.service_points)}

    def spread(self, total: Floats) -> Floats:
        """(..., n_sp, 3) of meters that tell one total each (..., n_sp): equal parts on the connected
        phases."""
        return np.asarray(total[..., None] * self.connected / self.connected.sum(axis=1, keepdims=True))

    def phase_name(self, service_point: int, part: int) -> str:
        """`a`, `b`, `c`, or in delta `ab`, `bc`, `ca`."""
        return BETWEEN[part] if self.delta[service_point] else PHASES[part]


def load_three_phase_network(
    source: str,
    *,
    phases: Mapping[str, str] | None = None,
    typical_zero_sequence: bool = False,
    metered_generation: bool = False,
) -> ThreePhaseNetwork:
    """Load and check `FILE.json`, `simbench:CODE` or `pandapower:FUNCTION`; arguments as
    `three_phase_network`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pandas and pandapower tell their own developers
        return three_phase_network(
            read_net(source),
            source,
            phases=phases,
            typical_zero_sequence=typical_zero_sequence,
            metered_generation=metered_generation,
        )


def three_phase_network(
    net: Any,
    source: str,
    *,
    phases: Mapping[str, str] | None = None,
    typical_zero_sequence: bool = False,
    metered_generation: bool = False,
) -> ThreePhaseNetwork:
    """Of a pandapower network in memory, which belongs to the result from then on.

    `phases` puts customers (name or id) on `a`, `b`, `c` or several (`ab`, `abc`), in place of what the
    network says. `typical_zero_sequence` fills missing zero-sequence data with typical values and warns.
    With `metered_generation` the network's generators and storages are switched off, as in
    `grid_model.network.load_network`. Raises NetworkRejected with all findings at once.
    """
    if unreadable := _unreadable(net):
        raise NetworkRejected(source, unreadable)
    _drop_clock_numbers(net)
    balanced, findings = _balanced(net, source, metered_generation)
    if balanced is not None and typical_zero_sequence:
        findings += fill_typical_values(net)
    if not any(finding.subject.startswith("table ") for finding in findings):
        findings += check_three_phase(net)
    customers = [*_customers(net)]
    findings += _wrong_phases(customers, phases or {})
    if balanced is None or any(finding.severity == "error" for finding in findings):
        raise NetworkRejected(source, sorted(findings, key=lambda finding: finding.severity != "error"))
    for table in BEHIND_METERS:
        net[table] = balanced.net[table]
    return _tables(balanced, net, _placed(customers, phases or {}), findings)


def _unreadable(net: Any) -> tuple[Finding, ...]:
    """All findings of a network whose tables lack what the rest here takes for granted; none of any other."""
    shape = [*missing_tables(net)] or [*broken_shape(net)]
    if not any(finding.severity == "error" for finding in shape):
        return ()
    return tuple(one for one in check_net(net) if (one.subject, one.table) != ("network", "load"))


@dataclass(frozen=True)
class _Customer:
    """One row of `asymmetric_load` or `load`."""

    id: str
    name: str
    bus: int
    p_kw: Floats
    """(3,)"""
    q_kvar: Floats
    connected: Bools
    delta: bool


def _balanced(net: Any, source: str, metered: bool) -> tuple[Network | None, tuple[Finding, ...]]:
    """The checks and tables of `grid_model.network`: on a copy with one nameless load where customers are."""
    from pandapower import create_load  # noqa: PLC0415

    twin = copy.deepcopy(net)
    twin.load = twin.load.iloc[:0]
    buses = {bus for table in CUSTOMER_TABLES for bus in active(net, table).bus}
    for bus in sorted(buses & set(net.bus.index)) or net.bus.index[:1]:  # no customers are told elsewhere
        create_load(twin, bus, p_mw=0.0)
    try:
        balanced = network_of(twin, source, metered_generation=metered)
    except NetworkRejected as rejected:
        return None, rejected.findings
    return balanced, balanced.warnings


def _drop_clock_numbers(net: Any) -> None:
    """`Dyn5` is `Dyn` with the shift of 150° that pandapower's `shift_degree` says already."""
    if "vector_group" in net.trafo:
        net.trafo["vector_group"] = net.trafo.vector_group.map(
            lambda group: group.rstrip("0123456789") if isinstance(group, str) else None
        )


def _customers(net: Any) -> Iterator[_Customer]:
    for table in CUSTOMER_TABLES:
        for index, row in active(net, table).iterrows():
            p, q = _demand(row, table)
            used = (p != 0) | (q != 0)
            split = table == "asymmetric_load" and used.any()
            name = row["name"] if isinstance(row["name"], str) and row["name"] else f"{table}:{index}"
            connected = used if split else np.ones(3, dtype=bool)
            delta = row["type"] == "delta"
            yield _Customer(f"{table}:{index}", name, int(row["bus"]), p, q, connected, delta)


def _demand(row: Any, table: str) -> tuple[Floats, Floats]:
    """(3,) kW and (3,) kvar of a row of the table."""
    if table == "load":
        p, q = np.full(3, row["p_mw"] / 3), np.full(3, row["q_mvar"] / 3)
    else:
        p = np.array([row[f"p_{phase}_mw"] for phase in PHASES])
        q = np.array([row[f"q_{phase}_mvar"] for phase in PHASES])
    return p * float(row["scaling"]) * 1000, q * float(row["scaling"]) * 1000


def _wrong_phases(customers: Sequence[_Customer], phases: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is wrong with an assignment of customers to phases."""
    uses = Counter(customer.name for customer in customers)
    by_name = {customer.id: customer for customer in customers} | {
        customer.name: customer for customer in customers if uses[customer.name] == 1
    }
    found = []
    for name, text in phases.items():
        if name not in by_name:
            reason = (
                f"{uses[name]} customers have this name" if name in uses else "no customer in the network"
            )
            found.append(Finding("error", f"phases, service point {name!r}", reason))
        elif by_name[name].delta:
            reason = "is connected in delta, which has no phase of its own"
            found.append(Finding("error", f"phases, service point {name!r}", reason))
        if connected_phases(text) is None:
            reason = f"phase is {text!r}; expected a, b, c or several of them, such as abc"
            found.append(Finding("error", f"phases, service point {name!r}", reason))
    return tuple(found)


def _placed(customers: Sequence[_Customer], phases: Mapping[str, str]) -> list[_Customer]:
    """The customers on the phases they are assigned to, with all they take."""
    return [_moved(customer, phases.get(customer.id, phases.get(customer.name))) for customer in customers]


def _moved(customer: _Customer, text: str | None) -> _Customer:
    found = None if text is None else connected_phases(text)
    if found is None:
        return customer
    connected = np.array(found)
    p, q = (total.sum() * connected / connected.sum() for total in (customer.p_kw, customer.q_kvar))
    return _Customer(customer.id, customer.name, customer.bus, p, q, connected, delta=False)


def _tables(
    balanced: Network, net: Any, customers: Sequence[_Customer], findings: Sequence[Finding]
) -> ThreePhaseNetwork:
    position = {bus: place for place, bus in enumerate(net.bus.index)}
    uses = Counter(customer.name for customer in customers)
    ids = {customer.id for customer in customers}
    return ThreePhaseNetwork(
        source=balanced.source,
        net=net,
        buses=balanced.buses,
        lines=balanced.lines,
        transformers=balanced.transformers,
        service_points=tuple(
            customer.name if uses[customer.name] == 1 and customer.name not in ids else customer.id
            for customer in customers
        ),
        load_ids=tuple(customer.id for customer in customers),
        service_point_bus=np.array([position[customer.bus] for customer in customers], dtype=np.int64),
        connected=np.array([customer.connected for customer in customers]),
        delta=np.array([customer.delta for customer in customers]),
        default_p_kw=np.array([customer.p_kw for customer in customers]),
        default_q_kvar=np.array([customer.q_kvar for customer in customers]),
        warnings=tuple(findings),
        ambiguous_names=frozenset(name for name, count in uses.items() if count > 1),
    )
