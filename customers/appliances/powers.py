"""A rated power as people write it: watts, kilowatts, horsepower of air conditioners, BTU/h. Pure.

What is meant is the electric power. Horsepower (`匹`, `HP`, `PS`) is by the trade's convention that of the
compressor's input: 735.49875 W each (metric horsepower, NIST SP 811, table B.8). BTU/h, and kilowatts of
cooling or heating, are heat: 1 BTU/h is 0.29307107 W (NIST SP 811, BTU of the International Table), and heat
is divided by an efficiency. That is 3.2 for air conditioners (the least of class A of split units in
directive 2002/31/EC) and 3.0 for heat pumps, a plain default near the seasonal values of old field tests; a
list's mapping may give others. Both ways agree on what is sold as 1.5 匹, or 12,000 BTU/h: 1.10 kW.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Decimal = Literal[".", ","]
W_PER_HORSEPOWER = 735.49875
W_PER_BTU_H = 0.29307107
LEAST_KW, MOST_KW = 0.05, 350.0
EFFICIENCY: Mapping[str, float] = {"air_conditioner": 3.2, "heat_pump": 3.0}
"""heat moved per electricity, by kind; 1 for all others"""

_PLAIN, _KILO, _HORSE, _BTU = 1e-3, 1.0, W_PER_HORSEPOWER / 1e3, W_PER_BTU_H / 1e3
_UNITS: Mapping[str, tuple[float, bool]] = (
    # kW per unit, and whether it is heat
    dict.fromkeys(("w", "watt", "watts", "瓦", "瓦特"), (_PLAIN, False))
    | dict.fromkeys(("kw", "kilowatt", "千瓦", "kwel"), (_KILO, False))
    | dict.fromkeys(("kwth", "kw(th)"), (_KILO, True))
    | dict.fromkeys(("hp", "ps", "p", "匹", "匹马力"), (_HORSE, False))
    | dict.fromkeys(("btu", "btu/h", "btu/hr", "btuh"), (_BTU, True))
)
UNITS = tuple(_UNITS)
_POWER = re.compile(r"[大小正]?\s*([0-9][0-9.,' \u00a0\u202f]*|[一二两三五])\s*([^0-9\s]\S*)?")
_HAN_DIGITS = {"一": 1.0, "二": 2.0, "两": 2.0, "三": 3.0, "五": 5.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell cannot be read. What it says is kept apart: it may be somebody's name that slipped into a
    wrong column.
    """

    expected: str
    got: str = field(default="", repr=False)


def number(text: str, decimal: Decimal | None) -> float | Fault:
    """A number with a decimal point or comma; `decimal` says which where both could be meant.

    `1.234,5` and `1,234.5` tell by themselves; so does `3,5`. `3,500` does not.
    """
    plain = re.sub(r"[' \u00a0\u202f]", "", text.strip())
    marks = [c for c in plain if c in ".,"]
    if len(set(marks)) == 2:
        decimal = "," if marks[-1] == "," else "."
    elif len(marks) > 1:  # 1.234.567
        decimal = "." if marks[0] == "," else ","
    elif marks and not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", plain):
        decimal = "," if marks[0] == "," else "."
    elif marks and decimal is None:
        return Fault("expected a number that can be read in one way only", text)
    grouped = "," if decimal != "," else "."
    try:
        value = float(plain.replace(grouped, "").replace(",", "."))
    except ValueError:
        value = math.nan
    return value if math.isfinite(value) else Fault("expected a number", text)


def decimal_of(texts: list[str]) -> Decimal | None:
    """The decimal mark of a column, where any cell tells it and none tells the other."""
    found = set()
    for text in texts:
        match = re.search(r"\d([.,])(?:\d{1,2}|\d{4,})(?!\d)", text)
        if match and len(re.findall(r"[.,]", text)) == 1:
            found.add(match[1])
    return None if len(found) != 1 else "," if "," in found else "."


def electric_kw(
    cell: str | float,
    kind: str,
    *,
    unit: str | None = None,
    heat: bool = False,
    decimal: Decimal | None = None,
    efficiency: Mapping[str, float] = EFFICIENCY,
) -> float | Fault:
    """The electric power of a cell. `unit` is that of the column, where the cell names none; `heat`: the
    column holds what is heated or cooled.
    """
    value, said = _parts(cell, decimal)
    if isinstance(value, Fault):
        return value
    meant = said or unit
    if meant is None:
        return Fault("expected a power with its unit, here or in the header", str(cell))
    if meant not in _UNITS:
        return Fault("expected a power in W, kW, BTU/h or 匹 (HP)", str(cell))
    factor, is_heat = _UNITS[meant]
    power_kw = value * factor
    if is_heat or (heat and factor != _HORSE):
        power_kw /= efficiency.get(kind, 1.0)
    if not LEAST_KW <= power_kw <= MOST_KW:
        return Fault(f"expected {LEAST_KW:g} to {MOST_KW:g} kW", f"{cell}, which is {power_kw:g} kW")
    return round(power_kw, 3)


def unit_in(header: str) -> str | None:
    """The unit that a header names, as `Leistung [kW]` or `功率(W)` do."""
    whole = header.strip().casefold()
    if whole in ("kw", "w", "btu/h", "匹", "匹数"):  # a column `P` is power, not horsepower
        return whole.removesuffix("数")
    inside = re.search(
        r"[(\[（【]\s*([^)\]）】]+?)\s*[)\]）】]|[/_ ](k?w|btu/?h)\s*$", header.strip(), re.IGNORECASE
    )
    said = (inside[1] or inside[2]).casefold() if inside else ""
    return said if said in _UNITS else None


def _parts(cell: str | float, decimal: Decimal | None) -> tuple[float | Fault, str | None]:
    if isinstance(cell, float):
        return (cell if math.isfinite(cell) else Fault("expected a number")), None
    found = _POWER.fullmatch(cell.strip())
    if found is None:
        return Fault("expected a power such as 3.5 kW", cell), None
    said: str | None = found[2].casefold().rstrip(".") if found[2] else None
    if found[1] in _HAN_DIGITS:
        return _HAN_DIGITS[found[1]], said
    if (
        decimal is None and said is not None and said in _UNITS and _UNITS[said][0] < 1e-2
    ):  # nobody tells thousandths of a watt
        decimal = "." if "," in found[1] else ","
    return number(found[1], decimal), said
