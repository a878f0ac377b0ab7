"""What the load flows of many snapshots answer [3]: arrays with a row per snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import overload

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats, Network
from grid_model.results import LoadFlowResult


@dataclass(frozen=True, eq=False)
class BatchResult(Sequence[LoadFlowResult]):
    """Many solved snapshots; each one by its place is a `LoadFlowResult` whose arrays are rows of these.

    Where `converged` is false every number is NaN.
    """

    converged: NDArray[np.bool_]
    """(n_snapshot,)"""
    iterations: NDArray[np.int64]
    v_pu: Floats
    """(n_snapshot, n_bus)"""
    line_loading_percent: Floats
    transformer_loading_percent: Floats
    transformer_p_kw: Floats
    losses_kw: Floats
    """(n_snapshot,)"""
    supply_kw: Floats
    collapse_index: Floats

    def __len__(self) -> int:
        return len(self.converged)

    @overload
    def __getitem__(self, place: int) -> LoadFlowResult: ...
    @overload
    def __getitem__(self, place: slice) -> "BatchResult": ...
    def __getitem__(self, place: int | slice) -> "LoadFlowResult | BatchResult":
        if isinstance(place, slice):
            return BatchResult(*(getattr(self, field.name)[place] for field in fields(self)))
        return LoadFlowResult(
            converged=bool(self.converged[place]),
            iterations=int(self.iterations[place]),
            v_pu=self.v_pu[place],
            line_loading_percent=self.line_loading_percent[place],
            transformer_loading_percent=self.transformer_loading_percent[place],
            transformer_p_kw=self.transformer_p_kw[place],
            losses_kw=float(self.losses_kw[place]),
            supply_kw=float(self.supply_kw[place]),
            collapse_index=float(self.collapse_index[place]),
        )

    def put(self, place: int, result: LoadFlowResult) -> None:
        """Write one snapshot's result over its row: for whoever makes the batch, before it is handed out."""
        for field in fields(self):
            getattr(self, field.name)[place] = getattr(result, field.name)


def unsolved(network: Network, many: int) -> BatchResult:
    """`many` snapshots that nobody has solved yet."""
    n_trafo = len(network.transformers.ids)
    return BatchResult(
        converged=np.zeros(many, dtype=np.bool_),
        iterations=np.zeros(many, dtype=np.int64),
        v_pu=np.full((many, len(network.buses.ids)), np.nan),
        line_loading_percent=np.full((many, len(network.lines.ids)), np.nan),
        transformer_loading_percent=np.full((many, n_trafo), np.nan),
        transformer_p_kw=np.full((many, n_trafo), np.nan),
        losses_kw=np.full(many, np.nan),
        supply_kw=np.full(many, np.nan),
        collapse_index=np.full(many, np.nan),
    )


def joined(parts: Sequence[BatchResult]) -> BatchResult:
    """One batch after the other as one."""
    names = [field.name for field in fields(BatchResult)]
    return BatchResult(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
