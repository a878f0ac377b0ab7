"""What runs for OpenADR, as a site's settings have it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.settings import Feeder, FeederVen, ForeignVtn, OpenAdr, OpenAdrMqtt, Site
from devices.openadr.client import VtnClient
from gridward.openadr_devices import ClientCloser, OpenAdrParts, openadr_parts, openadr_rows

CONTROL: Any = SimpleNamespace(
    feeder="f1", registry=SimpleNamespace(device={"ev1": SimpleNamespace(min_kw=4.2)})
)


def _site(ven: FeederVen, **more: Any) -> Site:
    feeder = Feeder(
        id="f1", network="pandapower:x", customers=Path("c.csv"), devices=Path("d.csv"), ven=(ven,)
    )
    return Site(name="s", feeder=(feeder,), **more)


def _own(tmp_path: Path, **more: Any) -> Mapping[str, OpenAdr]:
    file = tmp_path / "clients.toml"
    file.write_text("")
    return {"openadr": OpenAdr(clients_file=file, store_file=tmp_path / "o.sqlite3", **more)}


def _parts(site: Site) -> OpenAdrParts:
    clock, rng = WallClock(), np.random.default_rng(1)
    return openadr_parts(site, [CONTROL], clock, rng=rng, wire_clock=clock, secret=bytes(32))


def test_on_our_own_vtn_a_device_says_whose_it_is(tmp_path: Path) -> None:
    site = _site(FeederVen(device="ev1", ven="home"), **_own(tmp_path))
    with pytest.raises(ConfigRejected, match="'home': expected client_id"):
        openadr_rows(site, [CONTROL])
    named = _site(FeederVen(device="ev1", ven="home", client_id="c"), **_own(tmp_path))
    assert [device.client_id for _, device in openadr_rows(named, [CONTROL])] == ["c"]


def test_the_health_of_all_of_it_is_shown(tmp_path: Path) -> None:
    mqtt = OpenAdrMqtt(host="127.0.0.1", uris=("mqtts://x:8883",))
    parts = _parts(_site(FeederVen(device="ev1", ven="home", client_id="c"), **_own(tmp_path, mqtt=mqtt)))
    assert set(parts.health) == {"openadr own", "openadr vtn", "openadr notifier"}
    assert not any(link.connected for link in parts.health.values())


async def test_clients_of_other_vtns_are_closed_at_the_stop(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s\n")
    vtn = ForeignVtn(name="theirs", base_url="https://vtn.example", client_id="us", secret_file=secret)
    parts = _parts(_site(FeederVen(device="ev1", ven="home", vtn="theirs"), vtn=(vtn,)))
    (closer,) = [source for source in parts.sources if isinstance(source, ClientCloser)]
    assert isinstance(closer.client, VtnClient)
    running = asyncio.create_task(closer.run(lambda _: None))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert closer.client._wire._http.is_closed
