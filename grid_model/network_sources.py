"""Where a network comes from: a pandapower JSON file, SimBench, or pandapower's own collection [before 2].

Reads and nothing more: whether the network makes sense is for `network_checks.py`. pandapower and simbench
are imported late, because both take seconds.
"""

import difflib
import inspect
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from grid_model.errors import Finding, NetworkRejected

_FORMS = "FILE.json, simbench:CODE or pandapower:FUNCTION"
_TRUSTED_MODULES = frozenset(
    {"pandapower", "pandas", "numpy", "networkx", "shapely", "geopandas", "builtins", "simbench"}
)
_TRUSTED_BUILTINS = frozenset({"tuple", "set", "frozenset", "complex", "dict", "list", "str", "int", "float"})


def read_net(source: str) -> Any:
    """The pandapower network named by `source`; raises NetworkRejected when there is none."""
    kind, separator, name = source.partition(":")
    if separator and kind == "simbench":
        return _from_simbench(source, name)
    if separator and kind == "pandapower":
        return _from_pandapower(source, name)
    return _from_file(source)


def _reject(source: str, subject: str, expected: str) -> NoReturn:
    raise NetworkRejected(source, [Finding("error", subject, expected)])


def _close(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; close to it: {', '.join(matches)}" if matches else ""


def _from_simbench(source: str, code: str) -> Any:
    import simbench  # noqa: PLC0415

    codes = simbench.collect_all_simbench_codes()
    if code not in codes:
        example = _close(code, codes) or "; for example 1-LV-semiurb4--0-sw"
        _reject(source, f"network {source!r}", f"not a SimBench code{example}")
    return simbench.get_simbench_net(code)


def _from_pandapower(source: str, name: str) -> Any:
    functions = _network_functions()
    if name not in functions:
        example = _close(name, functions) or "; for example create_kerber_dorfnetz"
        _reject(source, f"network {source!r}", f"not a network function of pandapower.networks{example}")
    function = functions[name]
    required = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if required:
        _reject(source, f"network {source!r}", f"needs arguments ({', '.join(required)}); name one without")
    return _as_net(source, _repeatably(function))


def _network_functions() -> dict[str, Callable[[], Any]]:
    import pandapower.networks as collection  # noqa: PLC0415

    return {
        name: function
        for name, function in vars(collection).items()
        if inspect.isfunction(function)
        and function.__module__.startswith("pandapower.networks.")
        and not name.startswith("_")
    }


def _repeatably(function: Callable[[], Any]) -> Any:
    """Some Kerber networks draw their cables from the global generator: seeded here, so that a name is one
    network."""
    state = random.getstate()
    random.seed(0)
    try:
        return function()
    finally:
        random.setstate(state)


def _from_file(source: str) -> Any:
    path = Path(source)
    subject = f"network file {source!r}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        _reject(source, subject, f"no such file; expected {_FORMS}")
    except (OSError, UnicodeDecodeError) as error:
        _reject(source, subject, f"cannot be read as a text file ({error}); expected {_FORMS}")
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        _reject(
            source, subject, f"malformed JSON ({error}); expected a network written by pandapower.to_json"
        )
    if not isinstance(document, dict) or document.get("_class") != "pandapowerNet":
        _reject(
            source, subject, "JSON, but no pandapower network; expected a file written by pandapower.to_json"
        )
    foreign = sorted(_foreign_modules(document))
    if foreign:
        _reject(
            source, subject, f"asks to load code from {', '.join(foreign)}; expected pandapower's tables only"
        )
    return _decode(source, subject, text)


def _decode(source: str, subject: str, text: str) -> Any:
    import pandapower  # noqa: PLC0415

    try:
        net = pandapower.from_json_string(text, convert=True)
    except Exception as error:  # noqa: BLE001  pandapower raises whatever its decoders meet
        reason = f"{type(error).__name__}: {error}"
        _reject(
            source, subject, f"pandapower cannot decode it ({reason}); expected a file of pandapower.to_json"
        )
    return _as_net(source, net)


def _as_net(source: str, net: Any) -> Any:
    import pandapower  # noqa: PLC0415

    if not isinstance(net, pandapower.pandapowerNet):
        _reject(
            source, f"network {source!r}", f"gives a {type(net).__name__}; expected one pandapower network"
        )
    return net


def _foreign_modules(value: Any) -> set[str]:
    """Modules outside pandapower's own that a JSON document names for decoding: pandapower would import them.

    Objects inside tables are JSON within a JSON string, so strings are looked into as well.
    """
    found: set[str] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if "_module" in item:
                found |= _foreign(str(item["_module"]), str(item.get("_class", "")))
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str) and item.lstrip()[:1] in {"{", "["}:
            try:
                pending.append(json.loads(item))
            except (json.JSONDecodeError, RecursionError):
                continue
    return found


def _foreign(module: str, name: str) -> set[str]:
    root = module.partition(".")[0]
    if root not in _TRUSTED_MODULES or (root == "builtins" and name not in _TRUSTED_BUILTINS):
        return {f"{module}.{name}"}
    return set()
