"""SunSpec units: meters, inverters and batteries that describe themselves by models [1, 6].

`unit.py` is what the driver runs; the rest is its parts, in the order of the path: `model_data` (layouts from
TOML), `points` (registers to values), `discovery` (where the models are), `measurement` (our signs) and
`control` (limits that end by themselves). No sockets, no clock.
"""

from devices.modbus.sunspec.unit import SunSpecSettings, SunSpecUnit

__all__ = ["SunSpecSettings", "SunSpecUnit"]
