"""A field that is not there: emulated houses, devices and people, scenarios on simulated time, their judge and report."""
