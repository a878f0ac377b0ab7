"""An emulated substation RTU that speaks real Modbus TCP, by the same register map as the driver.

Values are set with `update`; every read sees the newest ones. Nothing can be written to it.
"""

from devices.modbus.quantities import RegisterMap
from simulations.modbus_units import EmulatedUnit, UnitServer


class RtuServer(UnitServer):
    """`async with RtuServer(profile) as rtu:` answers on `rtu.host` and `rtu.port` until the block ends.

    Raises OSError when the port is taken.
    """

    def __init__(
        self, profile: RegisterMap, host: str = "127.0.0.1", port: int = 0, *, unit: int = 1
    ) -> None:
        self._rtu = EmulatedUnit(profile)
        super().__init__({unit: self._rtu}, host, port)

    @property
    def silent(self) -> bool:
        """Whether it is asked in vain."""
        return self._rtu.silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self._rtu.silent = silent

    def update(
        self,
        p_kw: float,
        q_kvar: float,
        v_v: tuple[float, float, float],
        i_a: tuple[float, float, float],
        energy_kwh: float,
    ) -> None:
        """The values that are read from now on."""
        values: dict[str, float | None] = {"p_kw": p_kw, "q_kvar": q_kvar, "energy_kwh": energy_kwh}
        values |= {f"v_l{phase}_v": value for phase, value in enumerate(v_v, start=1)}
        values |= {f"i_l{phase}_a": value for phase, value in enumerate(i_a, start=1)}
        self._rtu.update(values)
