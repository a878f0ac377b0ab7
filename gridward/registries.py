"""The registry of a feeder, from the files that its settings name."""

from controller.proving.settlement_terms import RULES
from controller.settings import Feeder
from customers.registry import Registry
from customers.registry_files import load_registry


def registry_of(feeder: Feeder) -> Registry:
    """Customers, devices, programmes, appliances. Raises RegistryRejected with all findings."""
    return load_registry(
        feeder.customers,
        feeder.devices,
        feeder.programmes,
        feeder.enrolments,
        RULES,
        appliances=feeder.appliances,
        appliance_use=feeder.appliance_use,
    )
