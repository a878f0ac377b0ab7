"""The route of a feeder's drawing."""

import gzip
from dataclasses import replace

import httpx
import msgspec
import numpy as np
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.api.columns import Layout
from controller.api.drawn_feeder import coordinates_of, layout_body
from controller.api.layout_bodies import LayoutBody
from controller.api.stream_place import FeederPlace
from controller.clock import WallClock
from controller.settings import Api, Limits
from controller.views import ViolationView
from customers.registry import Registry
from grid_model.network import Floats
from tests.controller.api.conftest import calling
from tests.controller.api.fake_views import FakeViews
from tests.controller.api.street import street_network

LAYOUT = "/api/v1/feeders/street/layout"


async def test_columns_say_what_is_where(views: FakeViews, client: httpx.AsyncClient) -> None:
    body = msgspec.json.decode((await client.get(LAYOUT)).content, type=LayoutBody)
    assert body.buses.id == views.net.buses.ids
    assert body.lines.id == views.net.lines.ids
    assert body.coordinates == "metres"
    assert (body.buses.x[0], body.buses.y[0]) == (0.0, 40.0)
    assert (body.buses.depth[:3], body.buses.parent[:3]) == ((0, 1, 2), (None, 0, 1))
    assert body.transformers.hv_bus == body.supply == (0,)
    points = body.service_points
    assert (points.name[4], points.customer[4], points.critical[4]) == ("House 5", "C005", True)
    assert points.critical.count(True) == 1
    devices = body.devices
    assert (devices.id[0], devices.service_point[0], devices.rated_kw[0], devices.min_kw[0]) == (
        "EV-001", 0, 11.0, 4.2,
    )  # fmt: skip
    assert len(devices.id) == len(views.registry.devices)


async def test_it_is_sent_once_and_packed_where_that_is_understood(client: httpx.AsyncClient) -> None:
    plain = await client.get(LAYOUT, headers={"accept-encoding": "identity"})
    packed = await client.get(LAYOUT, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content  # the client unpacks it
    assert len(gzip.compress(plain.content)) < len(plain.content) / 3
    assert packed.headers["etag"] != plain.headers["etag"]
    for answer in (plain, packed):
        known = {"if-none-match": answer.headers["etag"], "accept-encoding": "gzip"}
        known["accept-encoding"] = "gzip" if answer is packed else "identity"
        again = await client.get(LAYOUT, headers=known)
        assert (again.status_code, again.content) == (304, b"")


async def test_another_topology_is_another_drawing(views: FakeViews, client: httpx.AsyncClient) -> None:
    before = await client.get(LAYOUT)
    views.net = street_network(arms=2)
    after = await client.get(LAYOUT, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert len(after.json()["buses"]["id"]) < len(before.json()["buses"]["id"])


def test_its_id_is_of_all_that_is_drawn(views: FakeViews) -> None:
    """An open page goes on after a restart: whatever it draws otherwise then has to be fetched anew."""

    def drawn(registry: Registry | None = views.registry, limits: Limits | None = None, **net: object) -> str:
        network = replace(views.net, **net)  # type: ignore[arg-type]
        return layout_body("street", network, registry, limits or Limits()).id

    critical = tuple(replace(one, critical=True) for one in views.registry.customers)
    ids = [
        drawn(),
        drawn(registry=None),
        drawn(registry=Registry(critical, views.registry.devices)),
        drawn(limits=Limits(loading_percent=90.0)),
        drawn(service_points=views.net.service_points[::-1]),
    ]
    assert len(set(ids)) == len(ids)
    assert drawn() == ids[0]


async def test_the_stream_names_the_drawing_that_is_fetched(
    app: FastAPI, views: FakeViews, client: httpx.AsyncClient
) -> None:
    views.step()
    blocks = app.state.streams._blocks
    _, block = blocks.feeder("street", FeederPlace(), named=True)
    assert f'"layout":"{(await client.get(LAYOUT)).json()["id"]}"'.encode() in block


def test_what_is_just_outside_looks_so(views: FakeViews) -> None:
    view = views.step(2)
    trafo, bus = view.transformers[0], view.buses[3]
    outside = tuple(
        ViolationView(id=one, kind=kind, value=value, limit=limit, since=view.at)
        for one, kind, value, limit in (
            (trafo.id, "transformer_overload", 100.04, 100.0),
            (bus.id, "undervoltage", 0.89996, 0.9),
        )
    )
    view = replace(
        view,
        transformers=(replace(trafo, loading_percent=100.04), *view.transformers[1:]),
        buses=(*view.buses[:3], replace(bus, v_pu=0.89996), *view.buses[4:]),
        violations=outside,
    )
    event = Layout(views.net, "").event(view, None, (), whole_trend=True)
    assert event.transformer_loading_percent[0] == 100.04
    assert event.v_pu[3] == 0.89996
    assert event.line_loading_percent[0] == round(view.lines[0].loading_percent, 1)


async def test_no_such_feeder(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/feeders/nowhere/layout")).status_code == 404


def test_limits_are_the_stricter_ones_and_names_by_load_are_found() -> None:
    network = street_network(arms=1, houses=3)
    network.lines.max_loading_percent[1] = 80.0
    network.buses.min_v_pu[2] = 0.95
    body = layout_body("street", network, None, Limits(loading_percent=90.0))
    assert body.lines.limit_percent == (90.0, 80.0, 90.0)
    assert body.buses.min_v_pu[1:3] == (0.9, 0.95)
    assert body.service_points.customer == (None, None, None)
    assert body.lines.length_m == (None, None, None)


@pytest.mark.parametrize(
    ("xy", "expected"),
    [
        (np.array([[11.41, 53.64], [11.42, 53.64], [11.42, 53.65]]), "degrees"),
        (np.array([[0.0, 0.0], [10.0, 5.0], [3.0, 1.0]]), "metres"),
        (np.array([[4.4e5, 5.9e6], [4.4e5, 5.91e6], [4.41e5, 5.9e6]]), "metres"),
        (np.array([[0.0, 0.0], [np.nan, 5.0], [3.0, 1.0]]), None),
        (np.zeros((3, 2)), None),
    ],
)
def test_coordinates_are_told_by_their_values(xy: Floats, expected: str | None) -> None:
    network = street_network(arms=1, houses=1)
    assert coordinates_of(replace(network, buses=replace(network.buses, xy=xy))) == expected


async def test_contributions_of_any_element(views: FakeViews, client: httpx.AsyncClient) -> None:
    path = "/api/v1/feeders/street/contributions"
    assert (await client.get(path, params={"element": "line:0"})).status_code == 503  # no cycle yet
    views.step(60)
    found = (await client.get(path, params={"element": "line:0"})).json()
    assert found["kind"] == "line_overload"
    assert len(found["causes"]) == 6
    assert (await client.get(path, params={"element": "line:999"})).status_code == 422
    assert (await client.get(path)).status_code == 422
    assert (await client.get(path.replace("street", "nowhere"), params={"element": "x"})).status_code == 404


async def test_a_map_lies_beneath_where_the_site_has_one(views: FakeViews) -> None:
    tiles = "https://maps.example.org:8443/tiles/{z}/{x}/{y}.png"
    api = msgspec.structs.replace(views.site.api, map_tiles=tiles, map_attribution="© The surveyors")
    views._site = msgspec.structs.replace(views.site, api=api)
    xy = views.net.buses.xy / 111_000 + [11.4, 53.6]
    views.net = replace(views.net, buses=replace(views.net.buses, xy=xy))
    async with calling(create_app(views, CollectorRegistry(), None, clock=WallClock())) as client:
        answer = await client.get(LAYOUT)
    assert answer.json()["tiles"] == {"url": tiles, "attribution": "© The surveyors"}
    assert "img-src 'self' data: https://maps.example.org:8443;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "wrong", ["tiles/{z}.png", "https://a.example; script-src *", "https://a.example/x.png"]
)
def test_an_address_of_tiles_is_one_address(wrong: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"map_tiles": wrong}, Api)


def test_the_stream_says_how_each_point_is_known_and_the_forecast_once(views: FakeViews) -> None:
    before = views.step(2)
    layout = Layout(views.net, "5f0c")
    first = layout.event(before, None, (), whole_trend=True)
    assert first.layout == "5f0c"
    assert first.p_quality == "111000020000000000"
    assert first.forecast == before.forecast
    same = layout.event(before, before, (), whole_trend=False)
    assert same.forecast is None
    assert layout.event(views.step(), before, (), whole_trend=False).forecast == views.view.forecast  # type: ignore[union-attr]
