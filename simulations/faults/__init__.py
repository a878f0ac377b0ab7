"""The whole system in one process on simulated time, with faults on purpose, drawn from one seed."""
