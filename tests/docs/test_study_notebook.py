"""The notebook in docs/ runs from its first cell to its last, and says what it promises.

Each run executes every cell with a shorter study in the first: half an hour and two shares instead of an hour
and three. `make soak` executes it word for word.
"""

import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SHORTER = {
    "T17:15:00": "T17:45:00",
    '"time.days" = 0.045': '"time.days" = 0.02',
    "[0.2, 0.5, 0.8]": "[0.2, 0.8]",
}


@pytest.mark.parametrize(("shorter", "runs"), [(SHORTER, 4), pytest.param({}, 6, marks=pytest.mark.soak)])
def test_the_notebook_runs(
    shorter: dict[str, str], runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: the notebook is not tested")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: the notebook is not tested")
    import nbformat

    for name, value in (("PYTHONPATH", str(ROOT)), ("TMPDIR", str(tmp_path)), ("IPYTHONDIR", str(tmp_path))):
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(ROOT / "docs" / "study.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "the notebook is kept without outputs"
    first = next(cell for cell in notebook.cells if cell["cell_type"] == "code")
    for whole, part in shorter.items():
        assert first["source"].count(whole) == 1
        first["source"] = first["source"].replace(whole, part)
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3").execute(
        cwd=os.fspath(tmp_path), env=os.environ.copy()
    )
    said = "".join(_text(output) for cell in notebook.cells for output in cell.get("outputs", ()))
    for words in (f"{runs} runs, 0 of them done before", f"{runs} runs, {runs} of them done before",
                  "Control is needed from", "reinforcement would cost", "summary.html"):  # fmt: skip
        assert words in said.replace("\N{NO-BREAK SPACE}", " ")


def _text(output: Any) -> str:
    return str(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
