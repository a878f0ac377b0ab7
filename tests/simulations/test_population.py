import numpy as np
import pytest

from grid_model.network import Network, load_network
from simulations.population import draw_population
from tests.simulations.small_field import scenario


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("pandapower:create_kerber_vorstadtnetz_kabel_1", metered_generation=True)


def test_shares_are_met(network: Network) -> None:
    count = len(network.service_points)
    who = draw_population(
        network,
        scenario(
            shares={"ev": 0.6, "heat_pump": 0.4, "critical": 0.05},
            devices={"refuse": 0.05, "vanish": 0.1, "late": 0.2},
        ),
    )
    devices = who.registry.devices
    assert sum(d.kind == "ev_charger" for d in devices) == who.ev_count == round(0.6 * count)
    assert sum(d.kind == "heat_pump" for d in devices) == round(0.4 * count)
    assert sum(c.critical for c in who.registry.customers) == round(0.05 * count)
    for flags, share in ((who.refuses, 0.05), (who.vanishes, 0.1), (who.late, 0.2)):
        assert flags.sum() == round(share * len(devices))
    assert np.max(who.refuses.astype(int) + who.vanishes + who.late) == 1


def test_floors_and_notices(network: Network) -> None:
    who = draw_population(network, scenario(people={"share": 1.0}))
    with_device = {d.service_point for d in who.registry.devices}
    assert all(d.min_kw == min(4.2, d.rated_kw) for d in who.registry.devices)
    for customer in who.registry.customers:
        assert customer.takes_notices == (customer.service_point not in with_device and not customer.critical)


def test_names_are_stable_and_the_seed_draws_the_rest(network: Network) -> None:
    one, same, other = (draw_population(network, scenario(seed=seed)) for seed in (1, 1, 2))
    assert one.registry.customers == same.registry.customers
    assert one.registry.devices == same.registry.devices
    assert one.registry.devices != other.registry.devices
    assert [c.customer for c in one.registry.customers] == [c.customer for c in other.registry.customers]
    assert one.registry.customers[0].customer == "C-001"
    assert one.registry.customers[0].service_point == network.service_points[0]


def test_more_people_do_not_move_the_cars(network: Network) -> None:
    few, many = (draw_population(network, scenario(people={"share": share})) for share in (0.1, 0.9))
    assert few.registry.devices == many.registry.devices


def test_guards_are_drawn_beside_all_else_and_keep_their_floor(network: Network) -> None:
    plain, guarded = (
        draw_population(network, scenario(devices={"vanish": 0.1, "guard": share, "failsafe_kw": 3.0}))
        for share in (0.0, 0.3)
    )
    before, after = plain.registry.devices, guarded.registry.devices
    assert [(d.device, d.rated_kw) for d in before] == [(d.device, d.rated_kw) for d in after]
    assert (plain.vanishes == guarded.vanishes).all()
    guards = [d for d in after if d.on_contact_loss == "guard"]
    assert len(guards) == round(0.3 * len(after))
    assert all(d.failsafe_kw == d.min_kw for d in guards)
