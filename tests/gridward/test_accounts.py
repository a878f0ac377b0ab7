"""`gridward accounts`: who may sign in, by command."""

import io
import json
from pathlib import Path
from typing import Any

import pyotp
import pytest
import structlog
from argon2 import PasswordHasher

from controller.access import passwords
from controller.access.account_store import AccountStore
from controller.access.accounts import NO_PASSWORD, Account, digest_of
from controller.access.passwords import is_right
from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.settings_file import load_site
from gridward import wiring
from gridward.cli import main
from tests.gridward.sites import write_site

PASSWORD = "four horses and a barge"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would take 50 ms on purpose."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)


def store_of(site: str) -> AccountStore:
    return AccountStore(Path(site).parent / "state" / "accounts.sqlite3")


@pytest.fixture
def site(tmp_path: Path) -> str:
    return str(write_site(tmp_path))


def accounts(*words: str, monkeypatch: pytest.MonkeyPatch | None = None, typed: str = f"{PASSWORD}\n") -> int:
    if monkeypatch is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(["accounts", *words])


def listed(site: str, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert accounts("list", site, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_one_life(site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    add = ("add", site, "anna", "--role", "operator", "--feeder", "dorf", "--password-stdin")
    assert accounts(*add, monkeypatch=monkeypatch) == 0
    assert accounts(*add, monkeypatch=monkeypatch) == 2
    assert "there is an account 'anna' already" in capsys.readouterr().err
    assert accounts("role", site, "anna", "supervisor") == 0
    assert accounts("second-factor", site, "anna") == 0
    secret = capsys.readouterr().out.splitlines()[1]
    assert len(pyotp.TOTP(secret).now()) == 6
    assert accounts("disable", site, "anna") == 0
    (anna,) = listed(site, capsys)["accounts"]
    assert anna == {
        "name": "anna",
        "role": "supervisor",
        "signs_in_with": "password",
        "second_factor": True,
        "disabled": True,
        "feeders": ["dorf"],
    }
    other = PASSWORD[::-1]
    assert accounts(
        "password", site, "anna", "--password-stdin", monkeypatch=monkeypatch, typed=other
    ) == 0  # fmt: skip
    store = AccountStore(Path(site).parent / "state" / "accounts.sqlite3")
    account = store.account("anna")
    assert account is not None
    assert is_right(other, account.password_hash)
    assert not is_right(PASSWORD, account.password_hash)
    store.close()
    assert accounts("remove", site, "anna") == 0
    assert listed(site, capsys) == {"accounts": [], "tokens": []}


def test_a_token_s_secret_is_told_once(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert accounts("token", site, "billing", "--may", "rewards", "--days", "30") == 0
    secret = capsys.readouterr().out.strip()
    (token,) = listed(site, capsys)["tokens"]
    assert (token["name"], token["may"]) == ("billing", ["rewards"])
    store = AccountStore(Path(site).parent / "state" / "accounts.sqlite3")
    kept = store.token(digest_of(secret))
    store.close()
    assert kept is not None
    assert kept.token == token["token"]
    assert accounts("list", site) == 0
    assert secret not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "typed", "told"),
    [
        (("add", "a b", "--role", "viewer", "--password-stdin"), PASSWORD, "NAME: expected 2 to 64"),
        (("add", "anna", "--role", "viewer", "--password-stdin"), "short", "password: expected 15 to 256"),
        (("role", "nobody", "viewer"), "", "there is no account 'nobody'"),
        (("remove", "nobody"), "", "there is no account 'nobody'"),
        (("token", "scada", "--may", "operate", "--feeder", "stadt"), "", "--feeder: expected one of dorf"),
    ],
)
def test_what_cannot_be_is_told(  # noqa: PLR0917
    site: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    typed: str,
    told: str,
) -> None:
    command, *rest = words
    assert accounts(command, site, *rest, monkeypatch=monkeypatch, typed=typed) == 2
    assert told in capsys.readouterr().err


def test_the_help_of_a_token_says_what_may_be_given_again_and_how_long_it_lasts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["accounts", "token", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "what it is for; may be given again" in told
    assert "only this one; may be given again" in told
    assert "(default: 90)" in told


def test_other_feeders_and_a_void_token(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    store = store_of(site)
    store.add(Account("anna", "operator", NO_PASSWORD, feeders=frozenset({"stadt"})))
    store.close()
    assert accounts("feeders", site, "anna", "--feeder", "dorf") == 0
    assert listed(site, capsys)["accounts"][0]["feeders"] == ["dorf"]
    assert accounts("feeders", site, "anna") == 0
    assert listed(site, capsys)["accounts"][0]["feeders"] is None
    assert accounts("token", site, "scada", "--may", "operate") == 0
    (token,) = listed(site, capsys)["tokens"]
    assert accounts("void-token", site, token["token"]) == 0
    assert listed(site, capsys)["tokens"] == []
    assert accounts("void-token", site, token["token"]) == 2
    assert "there is no token" in capsys.readouterr().err


def test_a_password_that_is_being_typed_undoes_nothing(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_of(site)
    store.add(Account("anna", "operator", QUICK.hash(PASSWORD)))

    class Slow(io.StringIO):
        def readline(self, *size: Any) -> str:
            assert accounts("disable", site, "anna") == 0
            assert accounts("role", site, "anna", "viewer") == 0
            return f"{PASSWORD[::-1]}\n"

    monkeypatch.setattr("sys.stdin", Slow())
    assert main(["accounts", "password", site, "anna", "--password-stdin"]) == 0
    account = store.account("anna")
    store.close()
    assert account is not None
    assert (account.disabled, account.role) == (True, "viewer")
    assert is_right(PASSWORD[::-1], account.password_hash)


def test_a_name_that_is_taken_while_its_password_is_typed(
    site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = store_of(site)

    class Slow(io.StringIO):
        def readline(self, *size: Any) -> str:
            store.add(Account("Anna", "supervisor", NO_PASSWORD, issuer="https://login", subject="u-1"))
            return f"{PASSWORD}\n"

    monkeypatch.setattr("sys.stdin", Slow())
    assert main(["accounts", "add", site, "anna", "--role", "viewer", "--password-stdin"]) == 2
    assert "there is an account 'anna' already" in capsys.readouterr().err
    assert [(one.name, one.role) for one in store.accounts()] == [("Anna", "supervisor")]
    store.close()


@pytest.mark.parametrize(
    "words", [("password",), ("role", "viewer"), ("second-factor",), ("no-second-factor",)], ids=" ".join
)
def test_what_the_provider_looks_after_is_not_set_here(
    site: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    store = store_of(site)
    olga = Account("olga", "operator", NO_PASSWORD, issuer="https://login.example", subject="u-1")
    store.add(olga)
    command, *rest = words
    assert accounts(command, site, "olga", *rest) == 2
    assert "olga signs in with https://login.example: the " in capsys.readouterr().err
    assert store.account("olga") == olga
    assert accounts("disable", site, "olga") == 0
    store.close()


def test_a_site_is_controlled_also_where_nobody_can_sign_in(site: str) -> None:
    path = Path(site).parent / "state" / "accounts.sqlite3"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no database at all " * 100)
    with structlog.testing.capture_logs() as logs:
        assert wiring._sign_in(load_site(Path(site)), WallClock()) is None
    assert [(one["log_level"], "accounts.sqlite3" in one["error"]) for one in logs] == [("error", True)]


def test_a_provider_s_authorities_that_are_none_are_told(tmp_path: Path) -> None:
    for name in ("openid.secret", "ca.pem"):
        (tmp_path / name).write_text("neither key nor certificate")
    more = (
        '[api]\npublic_url = "https://grid.example"\n[api.openid]\nissuer = "https://login.example"\n'
        'client_id = "g"\nclient_secret_file = "openid.secret"\nca_file = "ca.pem"\n'
        'roles = { a = "viewer" }\n'
    )
    with pytest.raises(ConfigRejected, match=r"ca\.pem: expected certificates in PEM"):
        wiring._openid(load_site(write_site(tmp_path, more)), WallClock())
