"""What is wrong with a network, all at once and by name [before 2].

Looks at the pandapower frames only; runs no load flow. An error makes the network unusable, a warning is told
to the user and lived with, an info is told when asked. The checks themselves are in `checks/`, one subject
per module; this one says in which order they run and what one needs of another.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from grid_model.checks.buildable import buildable
from grid_model.checks.buses import bus_findings, set_point_findings
from grid_model.checks.frames import element_name
from grid_model.checks.lines import line_end_findings, line_findings
from grid_model.checks.loads import connection_findings, load_findings
from grid_model.checks.shape import about_references, broken_shape, missing_tables, usable
from grid_model.checks.supply import couplers, dangling, external_grid, supply
from grid_model.checks.transformers import transformer_findings, winding_findings
from grid_model.checks.zero_sequence import zero_sequence
from grid_model.errors import Finding, Severity
from grid_model.sources.notes import NOTES

_MOST_ALIKE = 100
_ORDER = {"error": 0, "warning": 1, "info": 2}

__all__ = ["check_net", "element_name", "inspect_net"]


def check_net(net: Any) -> tuple[Finding, ...]:
    """All errors and warnings, errors first."""
    return tuple(finding for finding in inspect_net(net) if finding.severity != "info")


def inspect_net(net: Any) -> tuple[Finding, ...]:
    """As `check_net`, with the infos behind them."""
    findings = [*net.get(NOTES, ()), *_all(net)]
    if not any(finding.severity == "error" for finding in findings):
        findings += buildable(net)
    return tuple(sorted(_shortened(findings), key=lambda finding: _ORDER[finding.severity]))


def _all(net: Any) -> Iterator[Finding]:
    """From the shape of the tables to what only a whole network can show."""
    missing = list(missing_tables(net))
    yield from missing
    if missing:
        return
    shape = list(broken_shape(net))
    yield from shape
    if not usable(net):
        return
    for findings in _ALONE:
        yield from findings(net)
    if any(about_references(finding) for finding in shape):
        return
    lost = list(dangling(net))
    yield from lost
    for findings in _TOGETHER:
        yield from findings(net)
    if not shape and not lost:
        yield from couplers(net)
        yield from supply(net)


_ALONE: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    external_grid,
    load_findings,
    line_findings,
    transformer_findings,
    bus_findings,
    zero_sequence,
)
"""Checks of each table by itself."""
_TOGETHER: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    connection_findings,
    line_end_findings,
    winding_findings,
    set_point_findings,
)
"""Checks that follow elements to their buses."""


def _shortened(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Of very many findings alike the first hundred, and how many more there are."""
    told: Counter[tuple[Severity, str | None, str | None, str]] = Counter()
    for finding in findings:
        kind = (finding.severity, finding.table, finding.field, finding.repair or finding.expected)
        told[kind] += 1
        if told[kind] <= _MOST_ALIKE:
            yield finding
    for (severity, table, field, repair), count in told.items():
        if count > _MOST_ALIKE:
            yield Finding(
                severity,
                f"table {table!r}",
                f"{count - _MOST_ALIKE} more elements with the same fault",
                table=table,
                field=field,
                repair=repair,
            )
