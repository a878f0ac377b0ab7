from customers.registry import Customer, Device, Registry


def test_protected_are_critical_devices_and_all_devices_of_critical_customers() -> None:
    plain = Device("a", "load:0", "boiler", 3.0, 0.0)
    critical = Device("b", "load:0", "boiler", 3.0, 0.0, critical=True)
    of_critical = Device("c", "load:1", "boiler", 3.0, 0.0)
    customers = (Customer("C-0", "load:0", "M-0"), Customer("C-1", "load:1", "M-1", critical=True))
    registry = Registry(customers, (plain, critical, of_critical))
    assert [registry.is_protected(device) for device in registry.devices] == [False, True, True]
    assert registry.by_meter["M-1"].customer == "C-1"
    assert registry.device["b"] is critical
