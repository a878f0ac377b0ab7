"""What the tests of the stores write."""

import math

import numpy as np

from controller.entries import Entry, LedgerPosted, ReadingsRefused
from controller.rewards import ledger
from controller.settings import Rewards
from controller.stores.port import FeederSample, Record
from tests.controller.record_builders import EVENT, T0, after


def refused(count: int = 1) -> ReadingsRefused:
    return ReadingsRefused(at=T0, feeder="dorf", reason="stale", count=count, sample="M-001")


def sample(seconds: float = 0.0, feeder: str = "dorf", p_kw: float = 1.5) -> FeederSample:
    return FeederSample(
        feeder, after(seconds), np.array([p_kw, math.nan], np.float32), 80.5, None, 101.0, 2.5
    )


def credit(energy_wh: int = 1230, request: str = f"{EVENT}-R001", at_s: float = 0) -> LedgerPosted:
    posted = ledger.credit(
        at=after(at_s),
        feeder="dorf",
        request=request,
        customer="C-001",
        energy_wh=energy_wh,
        rewards=Rewards(),
    )
    assert posted is not None
    return posted


def told(store: Record) -> list[Entry]:
    return [numbered.entry for numbered in store.replay()]
