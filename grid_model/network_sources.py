"""Where a network comes from: which reader a source needs, and what to do about those that none can read
[before 2].

Reads and nothing more: whether the network makes sense is for `network_checks.py`. The readers are in
`sources/`, one per format; pandapower and simbench are imported late, because both take seconds.
"""

import pickle
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grid_model.sources.cgmes import ENDINGS, read_cgmes
from grid_model.sources.completion import complete
from grid_model.sources.matpower import read_matpower
from grid_model.sources.named import read_collection, read_simbench_code
from grid_model.sources.pandapower_json import read_pandapower_json
from grid_model.sources.rejecting import reject
from grid_model.sources.simbench_csv import MARKS, read_simbench_csv
from grid_model.sources.ucte import read_ucte

FORMS = (
    "a file of pandapower (.json), MATPOWER (.m, .mat) or UCTE (.uct), a folder or zip of CGMES XML or "
    "SimBench CSV, simbench:CODE or pandapower:FUNCTION"
)

_NAMED: dict[str, Callable[[str, str], Any]] = {
    "simbench": read_simbench_code,
    "pandapower": read_collection,
}
_READERS: dict[str, Callable[[str, Path], Any]] = {
    ".m": read_matpower,
    ".mat": read_matpower,
    ".uct": read_ucte,
    ".ucte": read_ucte,
    **dict.fromkeys(ENDINGS, read_cgmes),
}
_TO_JSON = "load it in pandapower and write it with pandapower.to_json"
_POWERFACTORY = (
    "PowerFactory's own format, which only PowerFactory reads",
    "export CGMES from it, or run pandapower.converter.powerfactory in its own Python and write "
    "pandapower.to_json",
)
_REFUSED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        (".p", ".pkl", ".pickle"), ("a pickle, which runs whatever code its author put in it", _TO_JSON)
    ),
    **dict.fromkeys((".pfd", ".dz", ".dgs"), _POWERFACTORY),
    **dict.fromkeys(
        (".xlsx", ".xls", ".sqlite", ".sqlite3", ".db"), ("not read: pandapower reads it", _TO_JSON)
    ),
    ".dss": (
        "an OpenDSS script, a programme that only OpenDSS runs",
        "convert it with pandapower.converter.opendss and write pandapower.to_json",
    ),
    ".raw": ("a PSS/E file, for which pandapower has no converter", "export CGMES or a MATPOWER case"),
    **dict.fromkeys(
        (".xiidm", ".iidm", ".jiidm", ".biidm"),
        ("a PowSyBl network, which only PowSyBl reads", "export CGMES or a MATPOWER case from it"),
    ),
}


class _Kept:
    """The latest named networks of this process as pickles, each asker with a copy of its own."""

    def __init__(self) -> None:
        self.most = 0
        self._lock = threading.Lock()
        self._nets: OrderedDict[str, bytes] = OrderedDict()

    def net(self, source: str, read: Callable[[], Any]) -> Any:
        if not self.most:
            return read()
        with self._lock:
            if source not in self._nets:
                self._nets[source] = pickle.dumps(read(), protocol=5)
            self._nets.move_to_end(source)
            while len(self._nets) > self.most:
                self._nets.popitem(last=False)
            kept = self._nets[source]
        return pickle.loads(kept)  # noqa: S301  our own bytes, of this process


_kept = _Kept()


def keep_named(most: int) -> None:
    """From now on so many named networks stay in the memory of this process (60 MB each for SimBench's, which
    take seconds to read): for whoever makes many runs on them. A name is one network, so nothing can change
    meanwhile; files are read anew each time."""
    _kept.most = most


def read_net(source: str) -> Any:
    """The pandapower network named by `source`; raises NetworkRejected when there is none."""
    kind, separator, name = source.partition(":")
    if separator and kind in _NAMED:
        net = _kept.net(source, lambda: _NAMED[kind](source, name))
    else:
        net = _reader(source)(source, Path(source))
    complete(net)
    return net


def _reader(source: str) -> Callable[[str, Path], Any]:
    """By what the path is, then by its ending; a file without a telling ending is taken for JSON."""
    path = Path(source)
    ending = path.suffix.lower()
    if not source.strip():
        reject(source, "network", f"cannot be read: no name given; expected {FORMS}")
    if path.is_dir():
        return _reader_of_pack(source, {one.name for one in path.iterdir()})
    if not path.exists():
        reject(source, f"network file {source!r}", f"no such file; expected {FORMS}")
    if ending in _REFUSED:
        fault, repair = _REFUSED[ending]
        reject(source, f"network file {source!r}", fault, repair)
    if ending == ".zip":
        return _reader_of_pack(source, _members(source, path))
    return _READERS.get(ending, read_pandapower_json)


def _reader_of_pack(source: str, names: set[str]) -> Callable[[str, Path], Any]:
    """SimBench tables or CGMES profiles, by the names of the files."""
    lower = {name.lower() for name in names}
    if lower & MARKS:
        return read_simbench_csv
    if not any(Path(name).suffix in ENDINGS | {".zip"} for name in lower):
        fault = "holds neither CGMES profiles (.xml) nor SimBench tables (Node.csv, Load.csv, ...)"
        reject(source, f"network folder {source!r}", fault)
    return read_cgmes


def _members(source: str, path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {Path(name).name for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        reject(source, f"archive {source!r}", f"is no whole zip file ({error})", "copy or export it again")
