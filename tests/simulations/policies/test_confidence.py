"""Student's t interval against a worked example from the literature."""

import numpy as np
import pytest

from simulations.policies.confidence import mean_of


def test_the_interval_of_the_handbook() -> None:
    # NIST/SEMATECH e-Handbook, 1.3.5.2, ZARR13.DAT: 195 values, mean 9.261460, s 0.022789
    rng = np.random.default_rng(1)
    values = rng.standard_normal(195)
    values = 9.261460 + 0.022789 * (values - values.mean()) / values.std(ddof=1)
    found = mean_of(values.tolist())
    assert found.mean == pytest.approx(9.261460, abs=1e-6)
    assert found.low == pytest.approx(9.258242, abs=1e-6)
    assert found.high == pytest.approx(9.264679, abs=1e-6)


def test_five_values_by_hand() -> None:
    # s = 1.5811, t(0.975, 4) = 2.776 in any table
    found = mean_of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.mean, found.n) == (3.0, 5)
    assert found.high == pytest.approx(3 + 2.776 * 1.5811 / 5**0.5, abs=1e-3)


def test_one_seed_has_no_interval_and_none_has_no_mean() -> None:
    assert (mean_of([2.5]).low, mean_of([2.5]).high) == (None, None)
    with pytest.raises(ValueError, match="one value"):
        mean_of([])
