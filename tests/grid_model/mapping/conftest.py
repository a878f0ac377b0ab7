"""One feeder of SimBench households for all tests of the mapping."""

import pytest

from gridward.bench.location_cases import Feeder, feeder_of


@pytest.fixture(scope="session")
def feeder() -> Feeder:
    return feeder_of("simbench:1-LV-semiurb4--0-sw")
