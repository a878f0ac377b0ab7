"""Tables of a scenario for what houses have beside car and heat pump: roofs, batteries, air conditioners."""

from typing import Annotated, Literal

import msgspec

from controller.settings import NotNegative, Positive, Share

LEAST_SIZE = 0.1
"""kW and kWh: sizes are rounded to that, and nothing of no size can be told to take less"""
Size = Annotated[float, msgspec.Meta(ge=LEAST_SIZE)]
Hour = Annotated[float, msgspec.Meta(ge=0, lt=24)]
COLDEST_C, HOTTEST_C = -60.0, 60.0
"""where networks stand; what lies outside is in another unit, or has a digit too many"""
Celsius = Annotated[float, msgspec.Meta(ge=COLDEST_C, le=HOTTEST_C)]


class Pv(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Solar generators on roofs, each with an inverter that can be told to feed in less."""

    least_kw: Size = 4.0
    usual_kw: Size = 8.0
    most_kw: Size = 15.0
    """rated power of the modules (kWp), triangular over the roofs"""
    inverter_share: Annotated[float, msgspec.Meta(ge=0.1, le=1)] = 0.95
    """of the modules' power: the most that the inverter gives"""
    feed_in_share: Share = 1.0
    """of the modules' power: the most that the inverter feeds in, by contract or law (0.6 in the German EEG
    for new plants that nobody can control)"""
    tilt_deg: Annotated[float, msgspec.Meta(ge=0, le=90)] = 35.0
    azimuth_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)] = 0.0
    """0 is south, -90 east, 90 west"""
    azimuth_sd_deg: NotNegative = 40.0
    """roofs do not all look the same way"""
    performance: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.86
    """of modules, cables and inverter together, warmth of the modules included"""


class Battery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Batteries at home, each with a policy of its own."""

    least_kwh: Size = 5.0
    usual_kwh: Size = 8.0
    most_kwh: Size = 14.0
    """usable energy, triangular over the houses"""
    kw_per_kwh: Positive = 0.6
    """rated power for each kWh"""
    min_kw: NotNegative = 4.2
    """guaranteed minimum of what it may take from the network (§14a EnWG); a smaller one keeps all"""
    efficiency: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.9
    """of the energy put in, how much comes out again; half of the loss on the way in"""
    policy: Literal["self_consumption", "night_charge"] = "self_consumption"
    """self_consumption: takes what the roof has left over, gives what the house takes · night_charge: fills
    up from the network between `charge_from_hour` and `charge_until_hour`, gives what the house takes at
    other times"""
    charge_from_hour: Hour = 22.0
    charge_until_hour: Hour = 6.0
    least_charge: Share = 0.1
    """of its energy, that it keeps"""
    first_charge: Share = 0.3
    """of its energy at the start, by the mean over the houses; drawn within ±0.2"""


class AirConditioner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Air conditioners with a thermostat, one house each."""

    least_kw: Size = 1.5
    usual_kw: Size = 2.5
    most_kw: Size = 4.0
    """rated electric power, triangular over the houses"""
    min_kw: NotNegative = 0.8
    """guaranteed minimum: that of an inverter's slowest speed"""
    design_c: Celsius = 34.0
    """outdoor temperature at which the tightest one runs `design_duty` of the time in full sun"""
    design_duty: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.85
    room_c: Celsius = 24.0
    band_k: Positive = 1.0
    """between switching on and off"""
    sun_k: NotNegative = 6.0
    """by which full sun (1,000 W/m²) warms a closed house above the air outside"""
    time_constant_hours: Positive = 5.0
    power_factor: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.95
