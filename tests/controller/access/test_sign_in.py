"""Who is let in: passwords, codes, sessions, tokens, and how often one may try."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pyotp
import pytest
from argon2 import PasswordHasher

from controller.access import passwords, sign_in
from controller.access.account_store import AccountStore, AccountsUnavailable
from controller.access.accounts import IDLE, LONGEST, Account
from controller.access.one_time_codes import new_secret, step_of
from controller.access.passwords import hash_password, is_right, password_fault
from controller.access.principal import Principal
from controller.access.roles import FOR_MACHINES, PERMISSIONS, ROLES, permissions_of
from controller.access.sign_in import Refused, SignInDesk, TokenRejected, TooSoon
from controller.access.throttle import FREE, MOST_KEYS, Throttle

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
PASSWORD = "four horses and a barge"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = QUICK.hash(PASSWORD)
BOSS = Principal("boss", permissions_of("supervisor"))


_P, _T = ParamSpec("_P"), TypeVar("_T")


async def inline(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """An `Offload` without a thread."""
    return function(*args, **kwargs)


class HandClock:
    """Moves when told; both of its times at once."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError

    def timeout(self, seconds: float) -> object:
        raise AssertionError


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would take 50 ms on purpose."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    passwords.nobodys.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AccountStore]:
    store = AccountStore(tmp_path / "accounts.sqlite3")
    store.put(Account("Anna", "operator", HASH, feeders=frozenset({"f1"})))
    yield store
    store.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def desk(store: AccountStore, clock: HandClock) -> SignInDesk:
    return SignInDesk(store, clock, inline)  # type: ignore[arg-type]


async def test_who_knows_the_password_is_let_in_as_what_they_are(desk: SignInDesk) -> None:
    signed_in = await desk.sign_in("anna", PASSWORD, None, "10.0.0.1")
    anna = await desk.by_session(signed_in.secret)
    assert anna == signed_in.principal == Principal("Anna", permissions_of("operator"), frozenset({"f1"}))
    assert anna.is_allowed("operate", "f1")
    assert not anna.is_allowed("operate", "f2")
    assert not anna.is_allowed("disputes")
    await desk.sign_out(signed_in.secret)
    assert await desk.by_session(signed_in.secret) is None


@pytest.mark.parametrize(("name", "password"), [("anna", PASSWORD + "s"), ("nobody", PASSWORD), ("", "")])
async def test_all_others_are_refused_alike(desk: SignInDesk, name: str, password: str) -> None:
    with pytest.raises(Refused) as refused:
        await desk.sign_in(name, password, None, "10.0.0.1")
    assert str(refused.value) == ""


async def test_a_name_that_nobody_has_costs_the_same_work(
    desk: SignInDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    monkeypatch.setattr(sign_in, "is_right", lambda p, stored: looked.append(stored) or False)
    for name in ("anna", "nobody"):
        with pytest.raises(Refused):
            await desk.sign_in(name, "x", None, "10.0.0.1")
    assert looked == [HASH, passwords.nobodys()]


async def test_guessing_gets_slow_and_a_known_place_is_not_held_up(
    desk: SignInDesk, clock: HandClock
) -> None:
    await desk.sign_in("anna", PASSWORD, None, "control room")
    for _ in range(FREE):
        with pytest.raises(Refused):
            await desk.sign_in("anna", "wrong", None, "elsewhere")
    for address in ("elsewhere", "a third place"):  # by address, and by name
        with pytest.raises(TooSoon):
            await desk.sign_in("anna", PASSWORD, None, address)
    await desk.sign_in("anna", PASSWORD, None, "control room")
    clock.at += timedelta(seconds=61)
    await desk.sign_in("anna", PASSWORD, None, "a third place")


def test_pauses_double_up_to_a_minute_and_are_forgotten() -> None:
    throttle, waits = Throttle(), []
    for _ in range(FREE + 8):
        throttle.failed("x", 0.0)
        waits.append(throttle.wait_s("x", 0.0))
    assert waits == [0.0] * (FREE - 1) + [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert throttle.wait_s("x", 59.0) == 1.0
    assert throttle.wait_s("x", 3600.0) == 0.0
    for key in range(MOST_KEYS + 5):
        throttle.failed(str(key), 1.0)
    assert len(throttle) == MOST_KEYS


async def test_a_session_ends_by_idling_and_after_a_shift(desk: SignInDesk, clock: HandClock) -> None:
    idle = (await desk.sign_in("anna", PASSWORD, None, "a")).secret
    busy = (await desk.sign_in("anna", PASSWORD, None, "a")).secret
    began = clock.at
    while clock.at - began < LONGEST - IDLE:
        clock.at += IDLE - timedelta(minutes=1)
        assert (await desk.by_session(busy)) is not None
    assert await desk.by_session(idle) is None
    clock.at = began + LONGEST - timedelta(seconds=1)
    assert await desk.by_session(busy) is not None
    clock.at = began + LONGEST
    assert await desk.by_session(busy) is None


@pytest.mark.parametrize(
    "change", [{"disabled": True}, {"role": "viewer"}, {"password_hash": QUICK.hash(PASSWORD)}]
)
async def test_what_changes_an_account_ends_its_sessions(
    desk: SignInDesk, store: AccountStore, change: dict[str, object]
) -> None:
    secret = (await desk.sign_in("anna", PASSWORD, None, "a")).secret
    account = store.account("anna")
    assert account is not None
    store.put(replace(account, **change))  # type: ignore[arg-type]
    assert await desk.by_session(secret) is None
    if account.disabled:
        with pytest.raises(Refused):
            await desk.sign_in("anna", PASSWORD, None, "a")


async def test_a_second_factor_is_needed_and_each_code_is_good_once(
    desk: SignInDesk, store: AccountStore, clock: HandClock
) -> None:
    secret = new_secret()
    store.put(Account("Anna", "operator", HASH, secret))
    code = pyotp.TOTP(secret).at(clock.at)
    for wrong in (None, "", "000000" if code != "000000" else "000001", "１２３４５６"):
        with pytest.raises(Refused):
            await desk.sign_in("anna", PASSWORD, wrong, f"a {wrong}")
    assert (await desk.sign_in("anna", PASSWORD, f"{code[:3]} {code[3:]}", "a")).has_second_factor
    with pytest.raises(Refused):
        await desk.sign_in("anna", PASSWORD, code, "a")
    # not by way of another change of the account either
    account = store.account("anna")
    assert account is not None
    store.put(replace(account, role="viewer", totp_step=0))
    with pytest.raises(Refused):
        await desk.sign_in("anna", PASSWORD, code, "a")


def test_a_phone_may_be_half_a_minute_off() -> None:
    secret = new_secret()
    for drift_s, good in ((-61, False), (-30, True), (30, True), (61, False)):
        code = pyotp.TOTP(secret).at(START + timedelta(seconds=drift_s))
        assert (step_of(code, secret, START, 0) is not None) is good


async def test_a_token_is_what_it_names_until_it_expires(desk: SignInDesk, clock: HandClock) -> None:
    token, secret = await desk.make_token(
        BOSS, "billing", frozenset({"rewards"}), frozenset({"f1"}), timedelta(days=1)
    )
    assert await desk.by_token(secret) == Principal("billing", frozenset({"rewards"}), frozenset({"f1"}))
    assert secret not in repr(token)
    assert await desk.by_token(secret + "x") is None
    assert await desk.by_token(secret.removeprefix("gw_")) is None
    clock.at += timedelta(days=1)
    assert await desk.by_token(secret) is None
    assert await desk.remove_token(BOSS, token.token)
    assert await desk.tokens() == ()


@pytest.mark.parametrize(
    ("by", "name", "may", "days", "words"),
    [
        (BOSS, "x", {"rewards"}, 1, "name: expected 2 to 64"),
        (BOSS, "billing", set(), 1, "may: expected some of"),
        (BOSS, "billing", {"accounts"}, 1, "may: expected some of"),
        (BOSS, "billing", {"rewards"}, 401, "days: expected up to 400"),
        (
            Principal("a", frozenset({"accounts"})),
            "billing",
            {"rewards"},
            1,
            "may do yourself",
        ),
    ],
)
async def test_a_token_that_must_not_be(  # noqa: PLR0917
    desk: SignInDesk, by: Principal, name: str, may: set[str], days: int, words: str
) -> None:
    given: Any = frozenset(may)
    with pytest.raises(TokenRejected, match=words):
        await desk.make_token(by, name, given, None, timedelta(days=days))
    assert await desk.tokens() == ()


def test_nothing_in_the_file_opens_a_door(store: AccountStore, tmp_path: Path) -> None:
    raw = (tmp_path / "accounts.sqlite3").read_bytes()
    assert PASSWORD.encode() not in raw
    assert (tmp_path / "accounts.sqlite3").stat().st_mode & 0o077 == 0
    assert PASSWORD not in repr(store.account("anna"))
    assert HASH not in repr(store.account("anna"))


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, today nothing happened " * 100)
    with pytest.raises(AccountsUnavailable, match=r"notes\.txt"):
        AccountStore(path)
    assert path.read_text().startswith("dear diary")


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "expected 15 to 256 characters, got 5"),
        ("aaaaabbbbbaaaaabbbbb", "expected at least 6 different characters"),
        ("anna lives in the mill", "without the account's name"),
        ("My Password is long enough", "nobody guesses"),
        (PASSWORD, None),
        ("x" * 257, "expected 15 to 256 characters"),
    ],
)
def test_what_a_good_password_is(password: str, fault: str | None) -> None:
    found = password_fault(password, "Anna")
    assert (found is None) if fault is None else (fault in (found or ""))


def test_a_password_is_the_same_on_every_keyboard() -> None:
    assert is_right("Ångström und Äpfel", hash_password("Ångström und Äpfel"))
    assert not is_right("x" * 5000, HASH)


def test_nobody_has_more_than_their_role() -> None:
    assert permissions_of("supervisor") == set(PERMISSIONS)
    assert "accounts" not in FOR_MACHINES
    for role in ROLES:
        if role != "supervisor":
            assert not permissions_of(role) & {"accounts", "rewards", "disputes", "personal_data"}
        if role in ("viewer", "auditor", "engineer", "machine"):
            assert "operate" not in permissions_of(role)
