"""The VTN of a site, as its settings have it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.settings import OpenAdr, Site
from devices.errors import ProfileRejected
from devices.openadr.clients import load_clients, secret_fits
from devices.openadr.vtn import Vtn
from gridward.openadr import main, openadr_vtn, token_key

SECRET = bytes(32)


def _built(**openadr: Any) -> Vtn | None:
    site = Site(name="s", feeder=(), openadr=OpenAdr(**openadr) if openadr else None)
    return openadr_vtn(site, SECRET, np.random.default_rng(1), WallClock())


@pytest.fixture
def clients_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["home-17", "VEN", "--ven-name", "home"]) == 0
    printed = capsys.readouterr()
    file = tmp_path / "clients.toml"
    file.write_text(printed.out)
    secret = printed.err.split()[-1]
    assert secret not in printed.out
    assert secret_fits(secret, load_clients(file).by_id["home-17"].secret)
    return file


def test_without_settings_there_is_none() -> None:
    assert _built() is None


def test_settings_reach_the_vtn(clients_file: Path, tmp_path: Path) -> None:
    vtn = _built(
        clients_file=clients_file,
        port=8123,
        versions=("3.1.1",),
        callback_hosts=("Hooks.Example",),
        callback_challenge=False,
        store_file=tmp_path / "objects.sqlite3",
    )
    assert vtn is not None
    made = vtn._settings
    assert (made.port, made.versions, made.clients.ven_names) == (8123, ("3.1.1",), {"home": "home-17"})
    assert made.callbacks.allowed_hosts == {"hooks.example"}
    assert not made.webhooks.challenge
    assert made.token_key == token_key(SECRET) != SECRET


def test_what_is_wrong_is_named(clients_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigRejected, match="clear text"):
        _built(clients_file=clients_file, host="0.0.0.0")
    with pytest.raises(ConfigRejected, match="expected certificate_file and key_file, or none"):
        _built(clients_file=clients_file, key_file=tmp_path / "key")
    with pytest.raises(ConfigRejected, match="clients_file"):
        _built(clients_file=tmp_path / "none.toml")
    with pytest.raises(ProfileRejected, match="path"):
        _built(clients_file=clients_file, path="openadr")
