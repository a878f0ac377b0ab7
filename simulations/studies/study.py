"""A study: which scenarios are run and what is asked of them, as typed, frozen values with defaults.

Units stand in names and docstrings. Reading the file is `study_file.py`'s subject; which runs come of it,
`plan.py`'s.
"""

from typing import Annotated, Any

import msgspec

from controller.settings import NotNegative, Positive

MOST_SEED = 2**53 - 100_000
"""so that the last of them is one that a scenario may have"""
Part = Annotated[float, msgspec.Meta(gt=0, lt=1)]
DottedPath = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*\Z")]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Base(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scenario that all runs begin with."""

    scenario: Annotated[str, msgspec.Meta(min_length=1)]
    """name of one of `simulations/scenarios`, or a file, seen from the folder of the study's own file"""
    change: dict[DottedPath, Any] = {}
    """what all runs have otherwise: field of the scenario by dotted path → value"""


class Vary(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One direction of the grid; all are combined with each other."""

    path: DottedPath
    """field of the scenario: `shares.ev`, `network.source`, `control.requests.target_share`"""
    values: Annotated[tuple[Any, ...], msgspec.Meta(min_length=1, max_length=1000)]
    label: str = ""
    """what the report calls it; else the path"""
    names: tuple[str, ...] = ()
    """what the report calls the values, one each; else the values themselves"""

    @property
    def title(self) -> str:
        """What the report calls it."""
        return self.label or self.path

    def name(self, value: Any) -> str:
        """What the report calls one of the values."""
        if self.names:
            return self.names[self.values.index(value)]
        return f"{value:g}" if isinstance(value, float) else str(value)


class Seeds(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Monte Carlo: each point of the grid under the same seeds."""

    first: Annotated[int, msgspec.Meta(ge=0, le=MOST_SEED)] = 1
    count: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10


class Run(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and how the runs are made; changes no result."""

    workers: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    """processes on this machine; 0: one for each core; 1: in this process"""
    dask: bool = False
    """on a Dask cluster made for the study on this machine (needs the extra `dask`)"""
    cluster: Annotated[str, msgspec.Meta(pattern=r"^([a-z]+://\S+)?\Z")] = ""
    """address of a Dask scheduler, `tcp://HOST:PORT`, whose workers have the same Gridward installed"""
    series: bool = False
    """keep the time series of each run too: `runs/RUN.parquet`, some 100 kB a day"""


class Question(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which share on does the feeder need control."""

    share: DottedPath = "shares.ev"
    """the direction of the grid whose threshold is looked for"""
    more_than_minutes_per_day: NotNegative = 0.0
    """a run exceeds the limit when, left alone, it is over it for longer than this (mean over its days)"""
    seeds_percent: Annotated[float, msgspec.Meta(ge=0, lt=100)] = 5.0
    """control is needed where more than this share of the seeds exceeds the limit"""
    confidence: Part = 0.95
    """of every interval"""
    control_leaves_minutes_per_day: NotNegative = 15.0
    """with control so much may be left over the limit; where it is more, control spares no reinforcement"""


class Costs(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a planner reckons with. Defaults are round assumptions of ours, compared with published ones in
    `docs/studies.md`: put your own."""

    currency: Annotated[str, msgspec.Meta(min_length=1, max_length=8)] = "EUR"
    line_per_km: NotNegative = 90_000.0
    """currency per km of low-voltage cable laid, trench and surface included"""
    transformer_kva: Annotated[tuple[Positive, ...], msgspec.Meta(min_length=1)] = (
        100.0, 160.0, 250.0, 400.0, 630.0, 800.0, 1000.0,
    )  # fmt: skip
    """ratings on the market, kVA"""
    transformer_fixed: NotNegative = 8_000.0
    """currency per transformer changed, whatever its size"""
    transformer_per_kva: NotNegative = 25.0
    """currency per kVA of the new transformer"""
    interest_percent: NotNegative = 5.0
    """a year"""
    line_years: Positive = 45.0
    """over which a line is paid for"""
    transformer_years: Positive = 40.0
    point: NotNegative = 0.0
    """currency per point credited, beside the money that was credited"""
    put_off_per_kwh: NotNegative = 0.10
    """currency per kWh that was proven to be put off: what it is worth to customers not to wait"""
    control_per_customer_year: NotNegative = 12.0
    """currency per customer and year for metering, contact and operation of the control"""
    like_days_per_year: Annotated[float, msgspec.Meta(gt=0, le=366)] = 90.0
    """how many days a year are like the simulated ones; of a run of 300 days or more the year is its own"""


class Study(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of STUDY.toml."""

    title: str = ""
    base: Base
    vary: tuple[Vary, ...] = ()
    seeds: Seeds = Seeds()
    run: Run = Run()
    question: Question = Question()
    costs: Costs = Costs()

    def axis(self, path: str) -> Vary | None:
        """The direction of this path, if there is one."""
        return next((axis for axis in self.vary if axis.path == path), None)


def schema() -> dict[str, Any]:
    """The JSON schema of STUDY.toml."""
    return msgspec.json.schema(Study)
