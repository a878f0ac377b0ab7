"""The soak with a whole daemon, once: `gridward soak kill --daemon` kills more."""

import json
from pathlib import Path

import pytest

from gridward.cli import main
from tests.e2e.processes import slowness

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(1800)]


def test_a_killed_daemon_comes_back_to_control(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soak", "kill", "--daemon", "--kills", "1", "--dir", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kills"], document["epochs"], document["faults"]) == (1, 2, [])
    assert document["told_entries"] > 0
    assert document["answer_after_s"][-1] < 30.0 * slowness()
    assert document["control_after_s"][-1] < 120.0 * slowness()
