import math

import numpy as np
import pytest

from controller.baselines.accuracy import bias_percent, cvrmse_percent


def test_bias_and_scatter_by_hand() -> None:
    # Told 3, 3, 3 and came 1, 2, 3: the errors 2, 1, 0 sum to 3 of 6, so 50 %. Their squares 4, 1, 0 have
    # the mean 5/3, whose root 1.29099 is 64.550 % of the mean, which is 2.
    told, came = np.array([3.0, 3.0, 3.0]), np.array([1.0, 2.0, 3.0])
    assert bias_percent(told, came) == pytest.approx(50.0)
    assert cvrmse_percent(told, came) == pytest.approx(64.5497, abs=1e-4)
    assert bias_percent(came, told) == pytest.approx(-100 / 3)


def test_in_percent_of_nothing_is_not_a_number() -> None:
    nothing = np.zeros(3)
    assert math.isnan(bias_percent(nothing + 1, nothing))
    assert math.isnan(cvrmse_percent(nothing + 1, -nothing - 1))
    assert math.isnan(cvrmse_percent(np.array([]), np.array([])))
