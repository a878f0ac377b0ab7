"""The commands of the desk against a real daemon's routes, and those that read a store by a site's rules."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
import structlog
import uvicorn
from fastapi import FastAPI

from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.api.problems import add_problem_handlers
from controller.api.rewards import rewards_routes
from controller.bookkeeping import Bookkeeper
from controller.entries import LedgerPosted
from controller.live import Live
from controller.metrics import Metrics
from controller.rewards.rewards_desk import RewardsDesk
from controller.settings_file import load_site
from controller.stores.sqlite import SqliteStore
from gridward.cli import main
from tests.builders import FakeClock
from tests.controller.rewards.reward_worlds import START, yielding

TOKEN = "a token of good length"
SITE = """\
name = "s"
[api]
port = {port}
operator_token_file = "token"
[store]
path = "a.sqlite3"
durable = false
[[feeder]]
id = "f"
network = "net.json"
customers = "customers.csv"
devices = "devices.csv"
[rewards.expiry]
after_months = 6
[[rewards.tier]]
tier = "silver"
from_points = 300
[[rewards.earning]]
rule = "on-time"
fact = "bill_paid_on_time"
points = 50
[[rewards.catalogue]]
item = "credit"
kind = "bill_credit"
points = 200
minor_units = 150
names = {{ en = "1.50 off" }}
[[rewards.catalogue]]
item = "lamp"
kind = "gift"
points = 100
stock = 1
names = {{ de = "LED-Lampe" }}
"""


@dataclass
class Running:
    """A daemon's rewards, on a loop of its own."""

    site: Path
    store: Path


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    for name in ("customers.csv", "devices.csv", "net.json"):
        (tmp_path / name).touch()
    (tmp_path / "token").write_text(TOKEN)
    app, ready = FastAPI(), {}
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))

    async def serve() -> None:
        site_file = tmp_path / "site.toml"
        sockets = [server.config.bind_socket()]
        site_file.write_text(SITE.format(port=sockets[0].getsockname()[1]))
        site = load_site(site_file)
        store, clock = SqliteStore(site.store.path, durable=False), FakeClock(START)
        keeper = Bookkeeper(store, yielding, Metrics(), Live(()))
        await keeper.take_over("test", "0", (), clock.now())
        postings = (("programme:evening-relief:budget", "points", -400), ("customer:C-1", "points", 400))
        await keeper.write(
            [LedgerPosted(at=START, key="first", postings=postings, reason="for tests", request=None)]
        )
        add_problem_handlers(app)
        desk = RewardsDesk(keeper, asyncio.Lock(), clock, site.rewards)
        app.include_router(rewards_routes(desk, Doors(OperatorKey(TOKEN.encode()))))
        ready["site"], ready["store"] = site_file, site.store.path
        await server.serve(sockets)
        store.close()

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    with structlog.testing.capture_logs():  # a daemon's own log goes elsewhere than the command's output
        yield Running(ready["site"], ready["store"])
    server.should_exit = True
    thread.join()


def asked(running: Running, *words: str) -> int:
    return main(["ledger", *words, "--site", str(running.site)])


def test_the_whole_way_of_points(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        asked(running, "report-fact", "F1", "C-1", "bill_paid_on_time", "--at", "2026-01-12T18:30:00+01:00")
        == 0
    )
    assert asked(running, "redeem", "X1", "C-1", "credit") == 0
    assert asked(running, "fulfil", "X1", "--who", "billing", "--reason", "on the next bill") == 0
    assert asked(running, "redeem", "X2", "C-1", "lamp") == 0
    assert asked(running, "void", "X2", "--who", "shop", "--reason", "broken") == 0
    assert asked(running, "top-up", "T1", "EUR-cent", "500", "--who", "controlling") == 0
    assert capsys.readouterr().out.splitlines() == [
        "fact F1 of C-1 earned 50 points",
        "redemption X1: credit for 200 points of C-1, pending until 2026-02-11T18:00:00Z",
        "redemption X1: credit for 200 points of C-1, fulfilled",
        "redemption X2: lamp for 100 points of C-1, pending until 2026-02-11T18:00:00Z",
        "redemption X2: lamp for 100 points of C-1, voided",
        "top-up T1: 5.00 EUR for the budget",
    ]
    assert main(["ledger", "statement", "C-1", "--store", str(running.store)]) == 0
    told = capsys.readouterr().out
    for words in (
        "opening balance",
        "bill paid on time",
        "held for credit, redemption X1",
        "used for credit, redemption X1",
        "given back, redemption X2 of lamp: broken",
        "250 points",
        "1.50 EUR",
    ):
        assert words in told


def test_the_same_again_and_what_is_refused(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    fact = ["report-fact", "F1", "C-1", "bill_paid_on_time", "--at", "2026-01-12T18:30:00+01:00"]
    assert asked(running, *fact) == asked(running, *fact, "--json") == 0
    _, again = capsys.readouterr().out.splitlines()
    assert json.loads(again) == {"fact": "F1", "customer": "C-1", "points": 0, "again": True}
    assert asked(running, "redeem", "X1", "C-2", "lamp") == 2
    assert capsys.readouterr().err == "gridward: lamp: expected 100 points, C-2 has 0\n"
    assert asked(running, "void", "X9", "--who", "a", "--reason", "b") == 2
    assert "there is no redemption 'X9'" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        asked(running, "report-fact", "F2", "C-1", "x", "--at", "2026-01-12T18:30:00")
    assert "expected a time with its offset" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        asked(running, "top-up", "T", "points", "0", "--who", "a")
    assert "expected a whole number above 0" in capsys.readouterr().err


def test_how_rewards_stand(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    asked(running, "redeem", "X1", "C-1", "lamp")
    capsys.readouterr()
    assert asked(running, "balance", "C-1") == 0
    first, tier, *more = capsys.readouterr().out.splitlines()
    assert first == "C-1: 300 points"
    # by the record's own clock, whatever the time is here
    assert tier == "in tier silver, with 400 points earned in the year until 2026-01-12"
    assert more[0] == "300 points are gone on 2026-08-01 unless they are used"
    assert more[1] == "redemption X1: lamp for 100 points, pending until 2026-02-11 18:00 UTC"
    assert asked(running, "catalogue") == 0
    header, credit, lamp = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["item", "kind", "name"]
    assert credit.split() == ["credit", "bill_credit", "1.50", "off", "200", "1.50", "EUR"]
    assert lamp.split() == ["lamp", "gift", "LED-Lampe", "100", "0"]
    assert asked(running, "tiers", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["customers"]
    assert row["customer"] == "C-1"
    assert asked(running, "balance", "nobody", "--json") == 0
    assert json.loads(capsys.readouterr().out)["balances"] == {}


def test_a_site_without_tiers_is_told_of_none(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    text = running.site.read_text()
    running.site.write_text(text.replace('[[rewards.tier]]\ntier = "silver"\nfrom_points = 300\n', ""))
    assert asked(running, "balance", "C-1") == 0
    _, earned, *_ = capsys.readouterr().out.splitlines()
    assert earned == "400 points earned in the year until 2026-01-12"
    assert asked(running, "tiers") == 0
    assert capsys.readouterr().out == "this site has no tiers\n"


def test_a_payout_is_the_same_file_however_often(
    running: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        asked(running, "redeem", f"X{number}", "C-1", "credit")
        asked(running, "fulfil", f"X{number}", "--who", "a", "--reason", "b")
    assert asked(running, "payout", "2026-01", "--csv", str(tmp_path / "one.csv")) == 0
    assert asked(running, "payout", "2026-02", "--csv", str(tmp_path / "none.csv")) == 0
    assert "there was nothing to pay out; a later one needs another ID" in capsys.readouterr().out
    assert asked(running, "payout", "2026-01", "--csv", str(tmp_path / "two.csv"), "--json") == 0
    one = (tmp_path / "one.csv").read_bytes()
    assert one == (tmp_path / "two.csv").read_bytes()
    assert one == b"payout,customer,unit,amount\r\n2026-01,C-1,EUR-cent,300\r\n"
    assert json.loads(capsys.readouterr().out)["totals"] == {"EUR-cent": 300}
    assert asked(running, "payout", "2026-01", "--least", "2", "--csv", str(tmp_path / "two.csv")) == 2
    assert "known already, with another content" in capsys.readouterr().err
    assert asked(running, "payout", "2026-01", "--csv", str(running.store)) == 2
    assert asked(running, "payout", "2026-01", "--csv", str(tmp_path / "no" / "a.csv")) == 2
    assert "expected a file that can be written" in capsys.readouterr().err
    assert not (tmp_path / "none.csv").exists()


def test_without_a_daemon_it_reads_and_does_not_write(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    text = running.site.read_text()
    running.site.write_text(text.replace("[api]\nport = ", "[api]\nport = 1 # "))
    assert asked(running, "redeem", "X1", "C-1", "lamp") == 2
    assert "no daemon answers at http://127.0.0.1:1" in capsys.readouterr().err
    assert asked(running, "balance", "C-1") == 0
    running.site.write_text("name = 1")
    assert asked(running, "balance", "C-1") == 2
    assert "site.toml, line 1: name: expected a text" in capsys.readouterr().err
