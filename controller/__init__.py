"""The daemon: time, state, decisions, journal. Knows grid_model, devices and customers."""
