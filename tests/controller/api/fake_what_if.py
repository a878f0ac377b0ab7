"""What orders would do on the made-up street: sums down the tree, as all else there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from controller.entries import OperatorAction
from controller.order_effects import (
    Caution,
    Columns,
    DeviceEffect,
    ElementEffect,
    EventEffect,
    ForeseenViolation,
    LeftOut,
    NotNow,
    Outlook,
    ProposedOrder,
    WhatIf,
)
from controller.views import FeederView
from customers.registry import Device, Registry
from grid_model.network import Floats, Network
from tests.controller.api.street import CHARGER_KW


@dataclass(frozen=True)
class Street:
    """What the answer is made of."""

    net: Network
    registry: Registry
    view: FeederView | None
    charger_kw: Floats
    """(n_sp,) what each charger takes when free"""
    loadings: Callable[[Floats], tuple[float, Floats]]
    """(n_sp,) kW → the transformer's and the lines' loading in percent"""


def fake_what_if(street: Street, orders: tuple[ProposedOrder, ...]) -> WhatIf:
    """As the daemon's answer: raises ValueError and NotNow alike."""
    view = street.view
    if view is None:
        raise NotNow("no cycle has run yet")
    p_kw = np.array([p or 0.5 for p in view.service_point_kw])
    after_kw = p_kw.copy()
    devices: dict[str, DeviceEffect] = {}
    left_out: dict[str, LeftOut] = {}
    for order in orders:
        _check(street, order)
        for device in street.registry.devices:
            place = street.net.service_points.index(device.service_point)
            customer = street.registry.customers[place]
            if order.action != "release_all" and not {device.device, customer.customer} & set(order.named):
                continue
            if order.action == "limit" and customer.critical:
                left_out[device.device] = LeftOut(device.device, "protected", "its customer is critical")
            elif (found := _effect(street, view, order, device, float(p_kw[place]))) is not None:
                devices[device.device] = found
                after_kw[place] = p_kw[place] - found.curtailed_kw
    return _answer(street, view, (p_kw, after_kw), tuple(devices.values()), tuple(left_out.values()))


def _check(street: Street, order: ProposedOrder) -> None:
    if order.action not in OperatorAction.__args__:
        raise ValueError(f"action {order.action!r}: expected one of {OperatorAction.__args__}")
    if order.action == "limit" and order.limit_kw is None:
        raise ValueError("limit_kw: expected what each device may take at most")
    known = {d.device for d in street.registry.devices} | {c.customer for c in street.registry.customers}
    unknown = [name for name in order.named if name not in known and not name.startswith("E-")]
    if unknown:
        raise ValueError(f"target {unknown[0]!r}: expected a device, customer or request")


def _effect(
    street: Street, view: FeederView, order: ProposedOrder, device: Device, p_kw: float
) -> DeviceEffect | None:
    place = street.net.service_points.index(device.service_point)
    held = {r.target: r.limit_kw for r in view.requests if r.state in ("accepted", "active")}
    now_kw = min(held.get(device.device, CHARGER_KW), p_kw)
    limit_kw: float | None = None
    if order.action == "limit":
        limit_kw = max(order.limit_kw or 0.0, device.min_kw)
        then_kw = min(limit_kw, p_kw)
    elif order.action in ("release", "release_all", "exclude") and device.device in held:
        then_kw = float(street.charger_kw[place])
    else:
        return None
    return DeviceEffect(
        device=device.device,
        kind=device.kind,
        service_point=device.service_point,
        customer=street.registry.customers[place].customer,
        direction=order.direction,
        before_kw=now_kw,
        after_kw=then_kw,
        limit_kw=limit_kw,
        floor_kw=device.min_kw,
        is_at_floor=limit_kw is not None and (order.limit_kw or 0.0) < device.min_kw,
        until=order.until,
        curtailed_kw=now_kw - then_kw,
    )


def _answer(
    street: Street,
    view: FeederView,
    powers: tuple[Floats, Floats],
    devices: tuple[DeviceEffect, ...],
    left_out: tuple[LeftOut, ...],
) -> WhatIf:
    p_kw, after_kw = powers
    now, then = street.loadings(p_kw), street.loadings(after_kw)
    ids = (*street.net.lines.ids, "trafo:0")
    was, becomes = np.append(now[1], now[0]), np.append(then[1], then[0])
    before, after = _outlook(ids, was, p_kw), _outlook(ids, becomes, after_kw)
    order = np.argsort(-np.maximum(was, becomes), kind="stable")
    curtailed_kw = sum(d.curtailed_kw for d in devices if d.limit_kw is not None)
    event = view.event if view.event is not None and view.event.closed_at is None else None
    return WhatIf(
        feeder=view.feeder,
        at=view.at,
        is_data_good=view.quality.alarm is None,
        before=before,
        after=after,
        elements=tuple(
            ElementEffect(ids[i], float(was[i]), float(becomes[i]), 100.0)
            for i in order
            if abs(becomes[i] - was[i]) > 0.1 or max(was[i], becomes[i]) > 80
        ),
        voltages=(),
        devices=devices,
        left_out=left_out,
        event=event
        and EventEffect(
            event.event, event.element, event.limit, float(was.max()), float(becomes.max()),
            not after.violations, bool(becomes.max() < 95),
        ),
        curtailed_kw=float((p_kw - after_kw).sum()),
        less_fed_in_kw=0.0,
        customers=tuple(d.customer for d in devices if d.customer),
        critical_customers=tuple(c.customer for c in street.registry.customers if c.critical and left_out),
        reach_kw=curtailed_kw,
        reach_percent=100 * curtailed_kw / (11.0 * len(street.registry.devices)),
        cautions=(Caution("still_violated", "something stays outside"),) if after.violations else (),
        columns_after=Columns(
            tuple(then[1].tolist()), (then[0],), (1.0,) * len(street.net.buses.ids), tuple(after_kw.tolist())
        ),
    )  # fmt: skip


def _outlook(ids: tuple[str, ...], loading: Floats, p_kw: Floats) -> Outlook:
    highest = int(np.argmax(loading))
    return Outlook(
        True,
        float(loading[highest]),
        ids[highest],
        0.97,
        1.01,
        float(p_kw.sum()),
        tuple(
            ForeseenViolation(
                one, "transformer_overload" if one == "trafo:0" else "line_overload", float(value), 100.0
            )
            for one, value in zip(ids, loading, strict=True)
            if value > 100
        ),
    )
