"""`gridward audit raised` on a record: somebody who heats up before every event is named, with the days."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from controller import entries as e
from controller.stores.port import FeederSample
from controller.stores.sqlite import SqliteStore
from grid_model.network import load_network
from gridward.cli import main
from tests.controller.record_builders import planned
from tests.gridward.test_config_check import site

Output = pytest.CaptureFixture[str]
NAMES = load_network("pandapower:create_kerber_landnetz_freileitung_1").service_points
FIRST, DAYS = datetime(2026, 1, 5, tzinfo=UTC), 35
EVENTS = [FIRST + timedelta(days=day, hours=17) for day in (15, 17, 22, 24, 29, 31)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five weeks; two customers are asked on six evenings, and the first takes thrice as much before."""
    folder = tmp_path_factory.mktemp("site")
    site(folder)
    store = SqliteStore(folder / "state" / "gridward.sqlite3", durable=False)
    store.take_over("test")
    store.commit([entry for event in EVENTS for entry in _evening(event)], _samples())
    store.close()
    return folder


def _evening(at: datetime) -> list[e.Entry]:
    event = f"E-dorf-{at:%Y%m%d}"
    values = {"event": event, "at": at, "start": at, "end": at + timedelta(hours=1), "feeder": "dorf"}
    return [
        planned(n, request=f"{event}-R{n}", customer=f"C-{n}", service_point=NAMES[n], **values)
        for n in (0, 1)
    ]


def _samples() -> list[FeederSample]:
    scatter = np.random.default_rng(3).lognormal(0.0, 0.1, (DAYS, len(NAMES)))
    samples = []
    for quarter in range(DAYS * 96):
        at = FIRST + timedelta(minutes=15 * quarter)
        p_kw = scatter[quarter // 96].copy()
        if any(timedelta(hours=1) < event - at <= timedelta(hours=4) for event in EVENTS):
            p_kw[0] *= 3
        samples.append(FeederSample("dorf", at, p_kw.astype(np.float32), None, None, None, 0.0))
    return samples


def test_who_stands_out_is_named_with_the_days(place: Path, capsys: Output) -> None:
    assert main(["audit", "raised", str(place / "site.toml")]) == 0
    told = capsys.readouterr().out
    assert "dorf: 2 customers were asked, 2 often enough to be tested" in told
    assert "C-0              stands out" in told
    assert "C-1              as usual" in told
    assert "2026-01-20" in told
    assert "it does not judge" in told


def test_as_one_document(place: Path, capsys: Output) -> None:
    assert main(["audit", "raised", str(place / "site.toml"), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["feeders"]["dorf"]
    assert (first["customer"], first["verdict"]["suspected"]) == ("C-0", True)
    assert len(first["verdict"]["events"]) == len(EVENTS)
    assert second["verdict"]["suspected"] is False


def test_a_site_that_is_not_there(tmp_path: Path, capsys: Output) -> None:
    assert main(["audit", "raised", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err
