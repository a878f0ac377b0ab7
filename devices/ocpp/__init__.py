"""Chargers over OCPP 1.6-J and 2.0.1: codecs without I/O, a central system (CSMS) with it."""
