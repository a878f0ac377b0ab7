"""An amount of a ledger unit as people write it: points as they are, money with its currency's decimals.

A unit is `points`, or a currency's minor unit named CODE-name such as `EUR-cent`. Integers in, text out: no
float touches an amount. Which currencies have other than two decimals: ISO 4217, list one, "minor unit".
"""

import re

_CODE = re.compile(r"([A-Z]{3})-.+")
_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def shown(unit: str, amount: int, *, signed: bool = False) -> str:
    """`-107` of `EUR-cent` as `-1.07 EUR`; a unit that names no currency as it is. `signed`: `+` too."""
    code = _CODE.fullmatch(unit)
    if code is None:
        return f"{amount:+d} {unit}" if signed else f"{amount} {unit}"
    return f"{decimal(amount, decimals_of(unit), signed=signed)} {code[1]}"


def decimals_of(unit: str) -> int:
    """How many decimals a unit has: 2 for `EUR-cent`; 0 for one that names no currency."""
    code = _CODE.fullmatch(unit)
    return 0 if code is None else _DECIMALS.get(code[1], 2)


def decimal(amount: int, decimals: int, *, signed: bool = False) -> str:
    """`amount` with its last `decimals` digits after a point: 1246 with 3 is `1.246`."""
    whole, rest = divmod(abs(amount), 10**decimals)
    sign = "-" if amount < 0 else "+" if signed else ""
    return f"{sign}{whole}.{rest:0{decimals}d}" if decimals else f"{sign}{whole}"
