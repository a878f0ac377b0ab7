"""A charging profile bounds what a charger takes: a limit on what is fed in never becomes one."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from devices.errors import CommandRejected, Unreachable
from devices.messages import LimitCommand
from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger, CsmsSettings
from tests.devices.live import RealClock
from tests.devices.ocpp.conftest import DEVICE


@pytest.mark.parametrize("minutes", [15, -15], ids=["a limit", "a release"])
async def test_a_limit_on_what_is_fed_in_is_rejected_and_one_on_what_is_taken_is_not(minutes: float) -> None:
    clock = RealClock()
    now = clock.now()
    system = CentralSystem(
        CsmsSettings((Charger("CP1", (DEVICE,)),), security_profile=0), clock, np.random.default_rng(1)
    )
    taken = LimitCommand("f1", "ev1", "r1", 4.2, now, now + timedelta(minutes=minutes), 1, 1)
    with pytest.raises(CommandRejected, match="no limit on production"):
        await system.send(replace(taken, direction="production", epoch=9))
    with pytest.raises(Unreachable, match="not connected"):  # the rejected one left no trace
        await system.send(taken)
