"""[4] Whether the plan is right about who is connected where: power that no meter reads, customers on the
wrong bus, phase or feeder.

Numbers in, findings out, each with its probability; what the measurements cannot tell is said. All work on
series of snapshots: one snapshot seldom holds against the meters' own errors. `unmetered.py` places missing
power, `wrong_bus.py` and `wrong_group.py` test the mapping by voltages and by powers, `phase_voltages.py` by
the correlation of voltages. `evidence.py` weighs residuals, `any_bus.py` is their load flow.
"""
