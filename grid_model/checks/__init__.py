"""What may be wrong with a pandapower network, one subject per module; `network_checks.py` runs them all."""
