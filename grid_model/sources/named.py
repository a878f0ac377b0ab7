"""Networks that installed libraries bring, by name: SimBench codes and pandapower's collection [before 2]."""

import difflib
import inspect
import random
from collections.abc import Callable, Iterable
from typing import Any

from grid_model.sources.pandapower_json import as_net
from grid_model.sources.rejecting import reject, translated


def read_simbench_code(source: str, code: str) -> Any:
    """The network of a SimBench code; raises NetworkRejected."""
    import simbench  # noqa: PLC0415

    codes = simbench.collect_all_simbench_codes()
    if code not in codes:
        example = _close(code, codes) or "; for example 1-LV-semiurb4--0-sw"
        reject(source, f"network {source!r}", f"not a SimBench code{example}")
    return simbench.get_simbench_net(code)


def read_collection(source: str, name: str) -> Any:
    """What a function of pandapower.networks gives; raises NetworkRejected."""
    functions = network_functions()
    if name not in functions:
        example = _close(name, functions) or "; for example create_kerber_dorfnetz"
        reject(source, f"network {source!r}", f"not a network function of pandapower.networks{example}")
    function = functions[name]
    required = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if required:
        reject(source, f"network {source!r}", f"needs arguments ({', '.join(required)}); name one without")
    with translated(source, f"network {source!r}", "pandapower's own function", "name another network"):
        net = _repeatably(function)
    return as_net(source, net)


def network_functions() -> dict[str, Callable[[], Any]]:
    """All functions of pandapower.networks by name; not all of them give a network without arguments."""
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


def _close(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; close to it: {', '.join(matches)}" if matches else ""
