"""Keeps pandapower's JSON decoder from anything but tables and pandapower's own objects [before 2].

A pandapower file names the class of every object in it, and the decoder imports the module and builds the
object; a table may also name a file on this machine to be read, and hand any option to pandas. So every
object is compared with a short list first, and tables are written anew from what was looked at: what the
decoder sees is what was checked, to the letter. Objects inside tables are JSON within JSON, and are looked
into as well.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from grid_model.errors import Finding

_TABLE_OPTIONS = frozenset(
    {
        *("orient", "dtype", "is_multiindex", "is_multicolumn", "index_name", "index_names"),
        *("column_name", "column_names", "crs", "columns", "typ"),
    }
)
_PLAIN: dict[str, frozenset[str]] = {
    "pandapower.auxiliary": frozenset({"pandapowerNet"}),
    "pandas": frozenset({"DataFrame", "Series"}),
    "pandas.core.frame": frozenset({"DataFrame"}),
    "pandas.core.series": frozenset({"Series"}),
    "geopandas.geodataframe": frozenset({"GeoDataFrame"}),
    "networkx": frozenset({"MultiGraph"}),
    "builtins": frozenset({"tuple", "set", "frozenset", "complex"}),
    "numpy": frozenset(
        {
            *("array", "bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
            *("uint64", "float16", "float32", "float64", "complex64", "complex128", "str_"),
        }
    ),
}
_OBJECTS = re.compile(r"pandapower\.(control|protection|timeseries)(\.[A-Za-z_0-9]+)*|shapely(\.[a-z_]+)*")
_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*")
_FRAMES = frozenset({"DataFrame", "Series", "GeoDataFrame"})
_DEEPEST = 60


class TooDeep(ValueError):
    """JSON nested further than any network is."""


def guarded(document: Any) -> tuple[Any, tuple[Finding, ...]]:
    """The document with its tables written anew, and all that must not be decoded. Raises TooDeep."""
    findings: list[Finding] = []
    return _rewritten(document, "network", 0, findings), tuple(findings)


def _rewritten(value: Any, place: str, depth: int, findings: list[Finding]) -> Any:
    if depth > _DEEPEST:
        raise TooDeep
    if isinstance(value, list):
        return [_rewritten(item, place, depth + 1, findings) for item in value]
    if isinstance(value, dict):
        return _mapping(value, place, depth, findings)
    if isinstance(value, str):
        return _text(value, place, depth, findings)
    return value


def _text(value: str, place: str, depth: int, findings: list[Finding]) -> str:
    """Text that is JSON is looked into; where it holds objects it is written anew as well."""
    objects = "_module" in value and "_class" in value
    if value.lstrip()[:1] not in {"{", "["} and not objects:
        return value
    try:
        inner = json.loads(value)
    except (json.JSONDecodeError, RecursionError):
        if objects:
            findings.append(_hidden(place, value))
        return value
    safe = _rewritten(inner, place, depth + 1, findings)
    return json.dumps(safe) if objects else value


def _mapping(value: dict[str, Any], place: str, depth: int, findings: list[Finding]) -> dict[str, Any]:
    if "_module" in value or "_class" in value:
        module, name = str(value.get("_module", "")), str(value.get("_class", ""))
        if not _known(module, name):
            findings.append(_foreign(place, module, name))
            return {}
        if name in _FRAMES and not module.startswith("shapely"):
            return _table(value, place, depth, findings)
    inside = value.get("_class") == "pandapowerNet" or place == "network"
    return {
        key: _rewritten(item, key if inside and not key.startswith("_") else place, depth + 1, findings)
        for key, item in value.items()
    }


def _known(module: str, name: str) -> bool:
    if module in _PLAIN:
        return name in _PLAIN[module]
    if module.startswith("pandas.core.indexes."):
        return name.endswith("Index")
    return bool(_OBJECTS.fullmatch(module) and _CLASS.fullmatch(name))


def _table(value: dict[str, Any], place: str, depth: int, findings: list[Finding]) -> dict[str, Any]:
    strange = sorted(set(value) - _TABLE_OPTIONS - {"_module", "_class", "_object"})
    if strange:
        findings.append(
            Finding(
                "error",
                f"table {place!r}",
                f"hands options to its decoder that no network needs ({', '.join(strange)[:100]})",
                table=place,
                repair="write the network again with pandapower.to_json",
            )
        )
        return {}
    content = value.get("_object")
    try:
        content = json.loads(content) if isinstance(content, str) else content
    except (json.JSONDecodeError, RecursionError) as error:
        findings.append(_malformed(place, f"is no JSON ({error})"))
        return {}
    if not isinstance(content, dict):
        findings.append(_malformed(place, "names something to read instead of holding rows"))
        return {}
    findings.extend(_malformed(place, fault) for fault in _uneven(value, content))
    return {**value, "_object": json.dumps(_rewritten(content, place, depth + 1, findings))}


def _uneven(value: dict[str, Any], content: dict[str, Any]) -> Iterator[str]:
    """Rows that do not fit their columns: the decoder would shift or drop cells."""
    if value.get("_class") != "DataFrame" or value.get("orient") != "split":
        return
    columns, index, rows = (content.get(part) for part in ("columns", "index", "data"))
    if not (isinstance(columns, list) and isinstance(index, list) and isinstance(rows, list)):
        yield "has no columns, index and data"
        return
    if len(index) != len(rows):
        yield f"has {len(rows)} rows but {len(index)} indices"
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            cells = len(row) if isinstance(row, list) else "no"
            yield f"row {number} has {cells} cells; expected {len(columns)}"
            return


def _malformed(place: str, fault: str) -> Finding:
    return Finding(
        "error",
        f"table {place!r}",
        f"{fault}; expected a table as pandapower.to_json writes it",
        table=place,
        repair="write the network again with pandapower.to_json",
    )


def _foreign(place: str, module: str, name: str) -> Finding:
    return Finding(
        "error",
        f"table {place!r}",
        f"asks to load code from {module[:100]}.{name[:100]}; expected pandapower's tables only",
        table=place,
        repair="do not use this file unless you know who wrote it; remove the object",
    )


def _hidden(place: str, value: str) -> Finding:
    return Finding(
        "error",
        f"table {place!r}",
        "has text that looks like an object to be decoded but is no JSON; expected plain values",
        table=place,
        found=repr(value[:60]),
        repair="remove the cell's content",
    )
