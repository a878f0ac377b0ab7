"""Numbers only: networks, load flow, violations, location and allocation. No I/O beyond loading a network, no clock."""
