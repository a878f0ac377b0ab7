"""`gridward demo` as its user has it: it shows a page, Ctrl-C ends all of it in time, and it starts again."""

import signal
from pathlib import Path

import psutil
import pytest

from tests.brokers import free_port
from tests.e2e.console_walk import password_of, walk
from tests.e2e.processes import Gridward, get_json, gridward, slowness, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
STOPS_WITHIN_S = 3.0


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.mark.chromium
def test_it_shows_live_data_stops_on_ctrl_c_and_starts_again(tmp_path: Path, port: int) -> None:
    for attempt in ("first", "second"):
        with gridward(
            "demo", "--port", str(port), "--state", tmp_path / "demo", output=tmp_path / f"{attempt}.log"
        ) as demo:
            state = f"http://127.0.0.1:{port}/api/v1/feeders/F1/state"
            wait_for(lambda url=state: _measured(url), 120, f"{attempt}: all meters are live")
            wait_for(lambda demo=demo: "highest loading" in demo.said(), 30, "a progress line")
            children = wait_for(lambda demo=demo: _children(demo), 30, "two children")
            if attempt == "second":
                walk(f"http://127.0.0.1:{port}/", password_of("supervisor", demo.said()))
            _ends_soon(demo)
            assert [child.pid for child in children if child.is_running()] == []


def test_a_second_demo_in_the_same_folder_says_so(tmp_path: Path, port: int) -> None:
    folder = tmp_path / "demo"
    with gridward("demo", "--port", str(port), "--state", folder, output=tmp_path / "first.log") as first:
        wait_for(lambda: "starting the field" in first.said(), 30, "the first demo has begun")
        with gridward("demo", "--port", str(port), "--state", folder, output=tmp_path / "other.log") as other:
            assert other.ended(30) == 2
            assert "another demo runs in" in other.said()
        assert first.alive()
        _ends_soon(first)


def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path, port: int) -> None:
    with gridward("demo", "--port", str(port), "--state", tmp_path / "demo", output=tmp_path / "log") as demo:
        wait_for(lambda: "starting the daemon" in demo.said(), 90, "both children are there")
        children = wait_for(lambda: _children(demo), 30, "two children")
        demo.kill()
        assert psutil.wait_procs(children, timeout=20 * slowness())[1] == []


def test_a_child_that_fails_is_told_in_its_own_words(tmp_path: Path, port: int) -> None:
    with gridward(
        "demo", "--port", str(port), "--state", tmp_path / "demo", "--scenario", tmp_path / "none.toml",
        output=tmp_path / "log",
    ) as demo:  # fmt: skip
        assert demo.ended(60) == 2
        assert "the field ended with status 2" in demo.said()
        assert "none.toml: expected a scenario's file or name, found neither" in demo.said()


def test_a_wrong_scenario_is_told_by_file_and_key(tmp_path: Path, port: int) -> None:
    scenario = tmp_path / "evening.toml"
    scenario.write_text(
        '[network]\nsource = 7\n[time]\nstart = "2016-01-12T00:00:00+00:00"\n', encoding="utf-8"
    )
    with gridward(
        "field", scenario, "--embedded-broker", "--site", tmp_path / "site", output=tmp_path / "log"
    ) as field:
        assert field.ended(30) == 2
        assert "evening.toml" in field.said()
        assert "source" in field.said()
        assert "line 2" in field.said()


def _measured(url: str) -> bool:
    view = get_json(url)
    return view is not None and view["quality"]["measured"] == 118 and view["quality"]["alarm"] is None


def _children(demo: Gridward) -> list[psutil.Process]:
    """Both of them, or none yet."""
    children = psutil.Process(demo.process.pid).children(recursive=True)
    return children if len(children) == 2 else []


def _ends_soon(demo: Gridward) -> None:
    demo.process.send_signal(signal.SIGINT)
    assert demo.ended(STOPS_WITHIN_S) == 0
