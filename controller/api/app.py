"""Puts the API together: one router per subject, errors and headers the same everywhere."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry

from controller.access.openid import OpenId
from controller.access.sign_in import SignInDesk
from controller.api.alarms import alarm_reading_routes, alarm_routes
from controller.api.asyncapi import asyncapi_routes
from controller.api.charging import charging_routes
from controller.api.compression import Compression
from controller.api.contacts import contacts_routes
from controller.api.contributions import contributions_routes
from controller.api.cookies import Cookies
from controller.api.customers import customer_routes, device_routes
from controller.api.entrance import entrance_routes
from controller.api.events import event_routes
from controller.api.feeders import feeder_routes
from controller.api.gate import REFUSALS, Doors
from controller.api.health import Pulse, health_routes
from controller.api.idempotency import Idempotency, add_idempotency
from controller.api.layouts import Drawings, layout_routes
from controller.api.metrics import metrics_routes
from controller.api.openapi_document import add_answers, add_security
from controller.api.openid import openid_routes
from controller.api.operate import operate_routes
from controller.api.operator_key import OperatorKey
from controller.api.opt_out import opt_out_routes
from controller.api.orders import answer_again, order_reading_routes, order_routes
from controller.api.overview import overview_routes
from controller.api.overview_board import OverviewBoard
from controller.api.pages import mount_pages
from controller.api.people import people_routes
from controller.api.problems import add_problem_handlers
from controller.api.reward_views import reward_view_routes
from controller.api.rewards import rewards_routes
from controller.api.security_headers import SecurityHeaders
from controller.api.sessions import session_routes
from controller.api.settlements import settlement_routes
from controller.api.shifts import shift_reading_routes, shift_writing_routes
from controller.api.stream import Streams, stream_routes
from controller.api.stream_blocks import Blocks
from controller.api.system import SystemSources, system_routes
from controller.api.tokens import token_routes
from controller.api.what_if import what_if_routes
from controller.desks import Desks
from controller.rewards.statement_source import StatementSource
from controller.settings import Api, Site
from controller.views import LiveViews
from customers.charging_stations import ChargingMap
from customers.registry import Registry
from devices.ports import Clock


@dataclass(frozen=True)
class _Shared:
    """What routes of all subjects need."""

    views: LiveViews
    gate: Doors
    cookies: Cookies
    clock: Clock
    looking: dict[str, Any]
    """what makes routes be for those who may look"""


def create_app(
    views: LiveViews,
    registry: CollectorRegistry,
    static_dir: Path | None,
    *,
    clock: Clock,
    registries: Mapping[str, Registry] | None = None,
    desks: Desks | None = None,
    statements: StatementSource | None = None,
    charging: ChargingMap | None = None,
    sign_in: SignInDesk | None = None,
    openid: OpenId | None = None,
    system: SystemSources | None = None,
) -> FastAPI:
    """The API of one daemon, to be built before its first cycle.

    `clock` is that of the people and monitors who look: real time, even where the site's own runs faster.
    `registries` (by feeder) tell who is behind a service point; `static_dir` holds the console's files.
    `desks` take what people and other programmes ask; `statements` are made from the whole journal;
    `charging` is the map of chargers. Without `sign_in` nobody has an account; `openid`:
    a provider whose word counts. `system`: how Gridward itself is.
    """
    site = views.site
    cookies = Cookies(site.api.public_url)
    gate = Doors(OperatorKey.from_file(site.api.operator_token_file), sign_in, cookies)
    pulse = Pulse(views, clock)
    board = OverviewBoard(views, pulse)
    drawings = Drawings(registries or {}, site)
    streams = Streams(views, clock, Blocks(views, board, drawings))
    app = _bare_app(site)
    app.state.streams = streams
    looking = _looking(gate) if site.api.sign_in_to_look else {}
    shared = _Shared(views, gate, cookies, clock, looking)
    _add_layers(app, shared, desks)
    app.include_router(feeder_routes(views, registries or {}, pulse), **looking)
    app.include_router(layout_routes(views, drawings), **looking)
    app.include_router(contributions_routes(views, clock), **looking)
    app.include_router(overview_routes(views, board), **looking)
    app.include_router(
        stream_routes(views, streams, clock, gate, must_sign_in=site.api.sign_in_to_look),
        **(_looking(gate, _may_follow) if site.api.sign_in_to_look else {}),
    )
    app.include_router(operate_routes(views, gate, None if desks is None else desks.orders))
    app.include_router(what_if_routes(views, gate))
    _add_entrance(app, shared, sign_in, openid)
    if desks is not None:
        _add_control_room(app, shared, desks, sign_in)
        _add_customers(app, shared, desks, statements)
        desks.alarms.subscribe(streams.add_topic("alarms", desks.alarms.told))
    if system is not None:
        app.include_router(system_routes(system, gate))
    if charging is not None:
        app.include_router(charging_routes(charging, gate))
    _add_for_programs(app, site, pulse, registry)
    if static_dir is not None:
        mount_pages(app, static_dir)
    return app


def _bare_app(site: Site) -> FastAPI:
    """With its document and its errors, and nothing to ask for yet."""
    app = FastAPI(
        title="Gridward",
        description=_description(site),
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the stock pages load scripts from other hosts
        redoc_url=None,
    )
    app.state.trusted_proxies = site.api.trusted_proxies
    add_problem_handlers(app)
    return app


def _add_layers(app: FastAPI, shared: _Shared, desks: Desks | None) -> None:
    """What every request goes through, the last one first, and what the document says of all operations."""
    images = _map_origin(shared.views.site.api)
    app.add_middleware(Idempotency, gate=shared.gate, clock=shared.clock, **_earlier_commands(desks))
    app.add_middleware(Compression)
    app.add_middleware(SecurityHeaders, only_tls=shared.cookies.only_tls, images_from=images)
    add_security(app, shared.cookies)
    add_idempotency(app)
    add_answers(app)


def _add_entrance(app: FastAPI, shared: _Shared, sign_in: SignInDesk | None, openid: OpenId | None) -> None:
    """The ways in: none but the operator token without `sign_in`."""
    has_openid = sign_in is not None and openid is not None
    app.include_router(entrance_routes(shared.views.site, accounts=sign_in is not None, openid=has_openid))
    if sign_in is not None:
        app.include_router(session_routes(sign_in, shared.gate, shared.cookies))
        app.include_router(token_routes(sign_in, shared.gate))
        if openid is not None:
            app.include_router(openid_routes(sign_in, openid, shared.cookies))


def _add_control_room(app: FastAPI, shared: _Shared, desks: Desks, sign_in: SignInDesk | None) -> None:
    """Alarms, events, orders and the shift log."""
    gate, looking = shared.gate, shared.looking
    may_take_over = None if sign_in is None else sign_in.may_take_over
    app.include_router(alarm_reading_routes(desks.alarms, shared.clock), **looking)
    app.include_router(event_routes(desks.events, gate, shared.clock), **looking)
    app.include_router(alarm_routes(desks.alarms, gate))
    app.include_router(order_reading_routes(desks.orders, gate), **looking)
    still_operates = None if sign_in is None else sign_in.still_operates
    app.include_router(order_routes(desks.orders, shared.views, gate, still_operates))
    app.include_router(shift_reading_routes(desks.shifts, gate), **looking)
    app.include_router(shift_writing_routes(desks.shifts, gate, shared.views, may_take_over))


def _add_customers(app: FastAPI, shared: _Shared, desks: Desks, statements: StatementSource | None) -> None:
    """Whom the feeders supply: what was asked of them, what they answered, what they got for it."""
    gate = shared.gate
    app.include_router(people_routes(desks.people, gate, shared.clock))
    app.include_router(rewards_routes(desks.rewards, gate, statements))
    app.include_router(reward_view_routes(desks.rewards, desks.settlements, gate))
    app.include_router(settlement_routes(desks.settlements, gate))
    app.include_router(customer_routes(desks.customers, gate, shared.views))
    app.include_router(device_routes(desks.devices, gate, shared.views), **shared.looking)
    if desks.contacts is not None:
        app.include_router(contacts_routes(desks.contacts, gate))
        app.include_router(opt_out_routes(desks.contacts.opt_outs, gate, shared.clock))


def _add_for_programs(app: FastAPI, site: Site, pulse: Pulse, registry: CollectorRegistry) -> None:
    """What only other programmes look at."""
    app.include_router(asyncapi_routes(site))
    app.include_router(health_routes(pulse))
    app.include_router(metrics_routes(registry))


def _description(site: Site) -> str:
    """What the API is, and what it shows to whom."""
    shown = (
        "A feeder's drawing, state, trend, contributions and stream are for whoever may look at that feeder; "
        "sums, lists and sentences of all feeders are for everybody who may look. Whom any of it is about is "
        "told only to who may see that feeder's customers."
        if site.api.sign_in_to_look
        else "Whoever reaches this address may look, without an account: at all figures of the networks, and "
        "at the ids, critical marks and power of single customers, never at names, addresses or what they "
        "hold."
    )
    return f"Demand response at {site.name}: what the feeders do, and what was asked of whom. {shown}"


def _earlier_commands(desks: Desks | None) -> dict[str, Any]:
    """What is known of commands from before this process."""
    if desks is None:
        return {"earlier": None, "again": None}
    return {"earlier": desks.orders.command, "again": partial(answer_again, desks.orders)}


def _map_origin(api: Api) -> str | None:
    """Whose pictures the pages may show beside our own."""
    return None if api.map_tiles is None else "/".join(api.map_tiles.split("/")[:3])


async def _may_look(gate: Doors, request: Request) -> None:
    """One feeder's own pages, which tell of its customers, are for who has this feeder."""
    feeder = request.path_params.get("feeder")
    if feeder is None:
        await gate.admit_somewhere(request, "look")
    else:
        await gate.admit(request, "look", feeder)


async def _may_follow(gate: Doors, request: Request) -> None:
    """The same for the stream: of one feeder, of none (in the console's form), or of all."""
    feeder = request.query_params.get("feeder")
    if feeder is None and request.query_params.get("form") == "columns":
        await gate.admit_somewhere(request, "look")
    else:
        await gate.admit(request, "look", feeder)


def _looking(gate: Doors, rule: Callable[[Doors, Request], Awaitable[None]] = _may_look) -> dict[str, Any]:
    """What makes routes be for those who may look."""

    async def may_look(request: Request) -> None:
        await rule(gate, request)

    return {"dependencies": [Depends(may_look)], "responses": REFUSALS}
