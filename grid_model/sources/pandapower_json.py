"""A pandapower JSON file, as pandapower.to_json writes it [before 2]."""

import json
from pathlib import Path
from typing import Any

from grid_model.errors import NetworkRejected
from grid_model.sources.bounds import read_text
from grid_model.sources.json_guard import TooDeep, guarded
from grid_model.sources.notes import NOTES
from grid_model.sources.rejecting import reject, translated

_EXPECTED = "expected a network written by pandapower.to_json"
_AGAIN = "write the network again with pandapower.to_json"


def read_pandapower_json(source: str, path: Path) -> Any:
    """The network in a JSON file; raises NetworkRejected."""
    subject = f"network file {source!r}"
    text = read_text(source, subject, path, "a network written by pandapower.to_json")
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        reject(source, subject, f"malformed JSON ({error}); {_EXPECTED}", _AGAIN)
    if not isinstance(document, dict) or document.get("_class") != "pandapowerNet":
        reject(source, subject, f"JSON, but no pandapower network; {_EXPECTED}", _AGAIN)
    try:
        safe, findings = guarded(document)
    except (TooDeep, RecursionError):
        reject(source, subject, f"malformed JSON (nested too deeply); {_EXPECTED}", _AGAIN)
    if findings:
        raise NetworkRejected(source, findings)
    import pandapower  # noqa: PLC0415

    with translated(source, subject, "pandapower's decoder", _AGAIN):
        net = pandapower.from_json_string(json.dumps(safe), convert=True)
    return as_net(source, net)


def as_net(source: str, net: Any) -> Any:
    """The same object when it is a pandapower network; raises NetworkRejected when not."""
    import pandapower  # noqa: PLC0415

    if not isinstance(net, pandapower.pandapowerNet):
        reject(
            source, f"network {source!r}", f"gives a {type(net).__name__}; expected one pandapower network"
        )
    return net


def write_pandapower_json(net: Any, path: Path) -> None:
    """Write a network that was read, without what only belongs to its reading; raises OSError."""
    import pandapower  # noqa: PLC0415

    plain = {key: value for key, value in net.items() if key != NOTES}
    text = pandapower.to_json(pandapower.pandapowerNet(plain), None)
    path.write_text(text, encoding="utf-8")
