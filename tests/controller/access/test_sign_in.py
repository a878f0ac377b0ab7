"""Who is let in: passwords, codes, sessions, tokens, and how often one may try."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pyotp
import pytest
import structlog
from argon2 import PasswordHasher

from controller.access import passwords, proofs
from controller.access.account_file import AccountsUnavailable
from controller.access.account_store import AccountStore
from controller.access.accounts import IDLE, LONGEST, NO_PASSWORD, Account, Token, digest_of
from controller.access.one_time_codes import new_secret, step_of
from controller.access.passwords import hash_password, is_right, password_fault
from controller.access.principal import Principal
from controller.access.roles import FOR_MACHINES, PERMISSIONS, ROLES, permissions_of
from controller.access.sign_in import MOST_AT_ONCE, Refused, SignInDesk, TooSoon
from controller.access.throttle import FREE, MOST_KEYS, Throttle, place_of
from controller.access.tokens import TokenRejected

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
    store.add(Account("Anna", "operator", HASH, feeders=frozenset({"f1"})))
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
    desk: SignInDesk, store: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(Account("olga", "operator", NO_PASSWORD, issuer="i", subject="u"))
    looked = []
    monkeypatch.setattr(proofs, "is_right", lambda p, stored: looked.append(stored) or True)
    for name in ("nobody", "olga"):  # no word is the password of who comes by a provider
        with pytest.raises(Refused):
            await desk.sign_in(name, "x", None, "10.0.0.1")
    await desk.sign_in("anna", "x", None, "10.0.0.1")
    assert looked == [passwords.nobodys(), passwords.nobodys(), HASH]


async def test_the_log_names_accounts_and_nothing_else_that_was_typed(desk: SignInDesk) -> None:
    with structlog.testing.capture_logs() as logs:
        for name in ("anna", PASSWORD):  # typed into the wrong field
            with pytest.raises(Refused):
                await desk.sign_in(name, "x", None, "10.0.0.1")
    assert [(one["event"], one["name"]) for one in logs] == [
        ("sign_in_refused", "Anna"), ("sign_in_refused", None)
    ]  # fmt: skip


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


async def test_one_s_own_success_makes_no_guess_at_another_free(
    desk: SignInDesk, store: AccountStore
) -> None:
    store.add(Account("mallory", "viewer", HASH))
    for guess in range(FREE):
        await desk.sign_in("mallory", PASSWORD, None, "proxy")
        desk._known.clear()  # else it does not even count there
        with pytest.raises(Refused):
            await desk.sign_in(f"victim {guess}", "wrong", None, "proxy")
    for name in ("victim", "mallory"):
        with pytest.raises(TooSoon):
            await desk.sign_in(name, PASSWORD, None, "proxy")
    # nor does it hold up those who signed in from there before
    desk._remember("anna", "proxy")
    await desk.sign_in("anna", PASSWORD, None, "proxy")


async def test_a_known_place_has_no_free_guesses_either(desk: SignInDesk, store: AccountStore) -> None:
    store.add(Account("mallory", "viewer", HASH))
    for name in ("anna", "mallory"):
        await desk.sign_in(name, PASSWORD, None, "proxy")
    for _ in range(FREE):
        with pytest.raises(Refused):
            await desk.sign_in("anna", "wrong", None, "proxy")
        await desk.sign_in("mallory", PASSWORD, None, "proxy")
    with pytest.raises(TooSoon):
        await desk.sign_in("anna", PASSWORD, None, "proxy")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_whole_network_of_addresses_is_one_place(address: str, place: str) -> None:
    assert place_of(address) == place


async def test_passwords_hold_up_nobody_who_is_signed_in(store: AccountStore, clock: HandClock) -> None:
    go_on = asyncio.Event()

    async def hashing(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        await go_on.wait()
        return function(*args, **kwargs)

    secret = (await SignInDesk(store, clock, inline).sign_in("anna", PASSWORD, None, "a")).secret  # type: ignore[arg-type]
    desk = SignInDesk(store, clock, inline, hashing)  # type: ignore[arg-type]
    desk._remember("anna", "control room")
    tries = [
        asyncio.create_task(desk.sign_in(f"n{number}", "x", None, f"2001:db8:{number}::1"))
        for number in range(MOST_AT_ONCE)
    ]
    await asyncio.sleep(0)
    assert await desk.by_session(secret) is not None
    with pytest.raises(TooSoon):
        await asyncio.wait_for(desk.sign_in("one more", "x", None, "elsewhere"), 60.0)
    known = asyncio.create_task(desk.sign_in("anna", PASSWORD, None, "control room"))
    await asyncio.sleep(0)
    with pytest.raises(TooSoon):  # one at a time
        await asyncio.wait_for(desk.sign_in("anna", PASSWORD, None, "control room"), 60.0)
    go_on.set()
    assert (await known).principal.name == "Anna"
    assert all(isinstance(one, Refused) for one in await asyncio.gather(*tries, return_exceptions=True))
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


Change = Callable[[AccountStore], bool]


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.set_disabled("anna", disabled=True),
        lambda store: store.set_role("anna", "viewer"),
        lambda store: store.set_password("anna", QUICK.hash(PASSWORD)),
        lambda store: store.set_second_factor("anna", new_secret()),
        lambda store: store.remove("anna"),
    ],
    ids=["disabled", "role", "password", "second factor", "removed"],
)
async def test_what_changes_an_account_ends_its_sessions_and_begins_none(
    store: AccountStore, clock: HandClock, change: Change
) -> None:
    async def overtaken(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        found = function(*args, **kwargs)
        assert change(store)  # at the very moment between password and session
        return found

    secret = (await SignInDesk(store, clock, inline).sign_in("anna", PASSWORD, None, "a")).secret  # type: ignore[arg-type]
    desk = SignInDesk(store, clock, inline, overtaken)  # type: ignore[arg-type]
    with pytest.raises(Refused):
        await desk.sign_in("anna", PASSWORD, None, "a")
    assert await desk.by_session(secret) is None


async def test_a_new_account_has_nothing_of_one_of_that_name_before(
    desk: SignInDesk, store: AccountStore
) -> None:
    secret = (await desk.sign_in("anna", PASSWORD, None, "a")).secret
    raw = sqlite3.connect(store._path)
    raw.execute("DELETE FROM accounts")
    raw.commit()
    raw.close()
    assert store.add(Account("ANNA", "supervisor", HASH))
    assert await desk.by_session(secret) is None
    assert not store.add(Account("anna", "viewer", HASH))


async def test_other_feeders_hold_from_the_next_request_on(desk: SignInDesk, store: AccountStore) -> None:
    secret = (await desk.sign_in("anna", PASSWORD, None, "a")).secret
    assert store.set_feeders("anna", frozenset({"f2"}))
    anna = await desk.by_session(secret)
    assert anna is not None
    assert (anna.is_allowed("operate", "f1"), anna.is_allowed("operate", "f2")) == (False, True)
    assert not anna.is_allowed("operate")  # what is no one feeder's
    assert anna.is_allowed_somewhere("operate")


async def test_who_still_operates_there_is_known_by_name(desk: SignInDesk, store: AccountStore) -> None:
    assert await desk.still_operates("Anna", "f1")
    assert not await desk.still_operates("Anna", "f2")
    assert not await desk.still_operates("Nobody", "f1")
    assert store.set_role("anna", "viewer")
    assert not await desk.still_operates("Anna", "f1")
    assert store.set_role("anna", "operator")
    assert store.set_disabled("anna", disabled=True)
    assert not await desk.still_operates("Anna", "f1")


async def test_a_password_that_is_hashed_anew_undoes_nobody_s_change(store: AccountStore) -> None:
    other = QUICK.hash("another one altogether")
    store.set_password("anna", other)
    assert not store.rehash("anna", HASH, QUICK.hash(PASSWORD))
    account = store.account("anna")
    assert account is not None
    assert account.password_hash == other


async def test_who_is_signed_in_stays_so_while_nothing_can_be_written(
    desk: SignInDesk, store: AccountStore, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "WRITE_WITHIN_S", 0.01)
    secret = (await desk.sign_in("anna", PASSWORD, None, "a")).secret
    other = sqlite3.connect(store._path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):  # also for longer than one may idle
            clock.at += IDLE - timedelta(minutes=1)
            assert await desk.by_session(secret) is not None
            assert await desk.by_session(secret) is not None
        assert [one["event"] for one in logs] == ["session_use_not_written"] * 3
        clock.at += IDLE
        assert await desk.by_session(secret) is None
    other.close()


async def test_a_second_factor_is_needed_and_each_code_is_good_once(
    desk: SignInDesk, store: AccountStore, clock: HandClock
) -> None:
    secret = new_secret()
    store.set_second_factor("anna", secret)
    code = pyotp.TOTP(secret).at(clock.at)
    for wrong in (None, "", "000000" if code != "000000" else "000001", "１２３４５６"):
        with pytest.raises(Refused):
            await desk.sign_in("anna", PASSWORD, wrong, f"a {wrong}")
    assert (await desk.sign_in("anna", PASSWORD, f"{code[:3]} {code[3:]}", "a")).has_second_factor
    with pytest.raises(Refused):
        await desk.sign_in("anna", PASSWORD, code, "a")
    # not by way of another change of the account either
    store.set_role("anna", "viewer")
    with pytest.raises(Refused):
        await desk.sign_in("anna", PASSWORD, code, "a")


def test_a_phone_may_be_half_a_minute_off() -> None:
    secret = new_secret()
    for drift_s, good in ((-61, False), (-30, True), (30, True), (61, False)):
        code = pyotp.TOTP(secret).at(START + timedelta(seconds=drift_s))
        assert (step_of(code, secret, START, 0) is not None) is good


async def test_a_token_is_what_it_names_until_it_expires(
    desk: SignInDesk, store: AccountStore, clock: HandClock
) -> None:
    store.add(Account("boss", "supervisor", HASH))
    token, secret = await desk.make_token(
        BOSS, "billing", frozenset({"rewards"}), frozenset({"f1"}), timedelta(days=1)
    )
    assert await desk.by_token(secret) == Principal(
        "token:billing", frozenset({"rewards"}), frozenset({"f1"})
    )
    assert secret not in repr(token)
    assert await desk.by_token(secret + "x") is None
    assert await desk.by_token(secret.removeprefix("gw_")) is None
    clock.at += timedelta(days=1)
    assert await desk.by_token(secret) is None
    another, _ = await desk.make_token(BOSS, "another", frozenset({"rewards"}), None, timedelta(days=1))
    assert await desk.tokens() == (another,)  # the other has expired
    assert await desk.remove_token(BOSS, another.token)
    assert await desk.tokens() == ()


async def test_a_token_lives_no_longer_than_its_maker_s_account(
    desk: SignInDesk, store: AccountStore
) -> None:
    store.add(Account("boss", "supervisor", HASH))
    _, secret = await desk.make_token(BOSS, "billing", frozenset({"rewards"}), None, timedelta(days=1))
    by_command = digest_of("gw_ of the command line")
    store.add_token(
        Token("t1", by_command, "scada", frozenset({"operate"}), None, "root (command line)", START,
              START + timedelta(days=1))
    )  # fmt: skip
    store.set_disabled("boss", disabled=True)
    assert await desk.by_token(secret) is None
    store.set_disabled("boss", disabled=False)
    assert await desk.by_token(secret) is not None
    store.remove("boss")
    store.add(Account("boss", "supervisor", HASH))  # somebody else
    assert await desk.by_token(secret) is None
    assert await desk.by_token("gw_ of the command line") is not None


async def test_nobody_hands_on_more_feeders_than_they_have(desk: SignInDesk) -> None:
    by = Principal("boss", permissions_of("supervisor"), frozenset({"f1"}))
    for feeders in (None, frozenset({"f1", "f2"})):
        with pytest.raises(TokenRejected, match="feeders: expected only those"):
            await desk.make_token(by, "wide", frozenset({"operate"}), feeders, timedelta(days=1))
    await desk.make_token(by, "narrow", frozenset({"operate"}), frozenset({"f1"}), timedelta(days=1))


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
    (tmp_path / "accounts.sqlite3").chmod(0o644)  # as a restore from somewhere may leave it
    AccountStore(tmp_path / "accounts.sqlite3").close()
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
        if role in ("viewer", "auditor", "engineer"):
            assert "operate" not in permissions_of(role)
