"""How clients prove who they are, and what a token is worth."""

import asyncio
import base64
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from devices.errors import ProfileRejected
from devices.openadr.clients import Client, gathered, hashed_secret, load_clients, secret_fits
from devices.openadr.failed_logins import FailedLogins
from devices.openadr.objects import SCOPES
from devices.openadr.problems import Problem
from devices.openadr.tokens import Tokens
from tests.devices.openadr import world as w

NOW = datetime(2026, 11, 26, 20, 0, tzinfo=UTC)
FORM = {"content-type": "application/x-www-form-urlencoded"}
GOOD = {"grant_type": "client_credentials", "client_id": "ven1", "client_secret": w.SECRET}


async def _post(world: w.World, version: str, form: dict[str, str] | bytes, headers: Any = FORM) -> Any:
    content = form if isinstance(form, bytes) else urlencode(form).encode()
    return await world.http.post(f"{w.BASE[version]}/auth/token", content=content, headers=headers)


@pytest.mark.parametrize("version", w.VERSIONS)
async def test_a_secret_is_worth_a_token(version: str) -> None:
    async with w.world() as world:
        for who in ("ven1", "bl"):
            given = (await _post(world, version, GOOD | {"client_id": who})).json()
            assert frozenset(given["scope"].split()) == SCOPES[version, w.WHO[who]]
            headers = {"Authorization": f"Bearer {given['access_token']}"}
            response = await world.http.get(f"{w.BASE[version]}/programs", headers=headers)
            assert response.status_code == 200
        asked = await _post(world, version, GOOD | {"scope": "write_reports write_programs"})
        assert asked.json()["scope"] == "write_reports", "a VEN gets no more than its role"
        headers = {"Authorization": f"Bearer {asked.json()['access_token']}"}
        response = await world.http.get(f"{w.BASE[version]}/reports", headers=headers)
        assert response.status_code == 403, "and no more than it asked for"


@pytest.mark.parametrize("version", w.VERSIONS)
async def test_a_client_may_name_itself_in_a_header(version: str) -> None:
    form = {"grant_type": "client_credentials"}

    def basic(text: str) -> dict[str, str]:
        return FORM | {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    async with w.world() as world:
        for good in (f"ven1:{w.SECRET}", "ven1:" + w.SECRET.replace(" ", "%20")):
            assert (await _post(world, version, form, basic(good))).status_code == 200
        wrong = await _post(world, version, form, basic("ven1:wrong"))
        assert wrong.json()["error"] == "invalid_client"
        for bad in (basic("ven1"), FORM | {"authorization": "Basic ????"}, basic("ven1:%ff")):
            assert (await _post(world, version, form, bad)).json()["error"] == "invalid_request"


async def test_where_tokens_are() -> None:
    async with w.world() as world:
        told = (await world.http.get("/openadr3/3.1.1/auth/server")).json()
        assert told == {"tokenURL": "http://vtn.test/openadr3/3.1.1/auth/token"}
        odd = await world.http.get("/openadr3/3.1.1/auth/server", headers={"host": "a b"})
        assert "a b" not in odd.text
    async with w.world(public_url="https://vtn.example") as world:
        told = (await world.http.get("/openadr3/3.1.1/auth/server")).json()
        assert told == {"tokenURL": "https://vtn.example/openadr3/3.1.1/auth/token"}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"", "invalid_request"),
        (b"%ff=%ff", "invalid_request"),
        (b"grant_type", "invalid_request"),
        (urlencode([*GOOD.items(), ("client_id", "bl")]).encode(), "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": "ven1"}, "invalid_request"),
        (GOOD | {"grant_type": "password"}, "unsupported_grant_type"),
        (GOOD | {"scope": "write_programs"}, "invalid_scope"),
        (GOOD | {"client_secret": "x" * 4097}, "invalid_request"),
        (GOOD | {"client_secret": "wrong"}, "invalid_client"),
        (GOOD | {"client_id": "nobody"}, "invalid_client"),
    ],
)
async def test_all_else_is_refused(form: Any, error: str) -> None:
    async with w.world() as world:
        for version in w.VERSIONS:
            response = await _post(world, version, form)
            assert response.json()["error"] == error
            status = 401 if version == "3.1.1" and error == "invalid_client" else 400
            assert response.status_code == status


async def test_a_form_of_another_type_is_refused() -> None:
    async with w.world() as world:
        response = await _post(
            world, "3.1.1", json.dumps(GOOD).encode(), {"content-type": "application/json"}
        )
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_who_guesses_has_to_wait() -> None:
    async with w.world(log_in_failures=2) as world:
        for _ in range(2):
            assert (await _post(world, "3.1.1", GOOD | {"client_secret": "guess"})).status_code == 401
        locked = await _post(world, "3.1.1", GOOD)
        assert locked.status_code == 401, "even with the right secret"
        assert 0 < int(locked.headers["retry-after"]) <= 60
        assert (await _post(world, "3.0.1", GOOD | {"client_id": "ven2"})).status_code == 200


def test_failures_are_counted_by_client_and_address_and_forgotten() -> None:
    failed = FailedLogins(allowed=2, lockout_s=60.0, most_remembered=8)
    for _ in range(2):
        failed.failed("a", "here", 0.0)
    assert failed.wait_s("a", "here", 10.0) == 50.0
    assert failed.wait_s("a", "there", 10.0) == 0.0, "nobody locks out another's client from elsewhere"
    assert failed.wait_s("b", "here", 10.0) == 0.0
    assert failed.wait_s("a", "here", 60.0) == 0.0
    for name in "cdefgh":
        failed.failed(name, "here", 10.0)
    assert failed.is_notorious("here", 10.0), "many clients of one address"
    assert failed.wait_s("h", "here", 10.0) == 60.0, "there one failure is enough"
    assert failed.wait_s("new", "here", 10.0) == 0.0, "and who has had none is let through"
    failed.failed("x", "here", 70.0)
    assert not failed.is_notorious("here", 70.0)
    assert failed.wait_s("new", "here", 70.0) == 0.0
    for number in range(20):
        failed.failed("y", f"address {number}", 70.0)
    assert len(failed._failures) == 8
    failed.failed("z", "there", 70.0)
    failed.failed("z", "there", 70.0)
    failed.succeeded("z", "there")
    assert failed.wait_s("z", "there", 70.0) == 0.0


async def test_too_many_log_ins_at_once_are_sent_away() -> None:
    async with w.world() as world:
        world.vtn.app._log_in._most_waiting = 1
        both = await asyncio.gather(_post(world, "3.1.1", GOOD), _post(world, "3.1.1", GOOD))
        assert sorted(response.status_code for response in both) == [200, 500]


TOKENS = Tokens(w.KEY, w.clients(), lifetime_s=3600)
CLAIMS = jwt.decode(
    TOKENS.issue("ven1", "VEN", SCOPES["3.1.1", "VEN"], NOW),
    w.KEY,
    ["HS256"],
    options={"verify_signature": False},
)


def _token(key: bytes | None = w.KEY, algorithm: str = "HS256", without: str = "", **claims: Any) -> str:
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if name != without}
    return jwt.encode(payload, key, algorithm)  # type: ignore[arg-type]


def test_a_token_says_who_bears_it() -> None:
    actor = TOKENS.actor(_token(), NOW)
    assert (actor.client_id, actor.role, actor.scopes) == ("ven1", "VEN", SCOPES["3.1.1", "VEN"])


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "none of ours"),
        ("a.b.c", "none of ours"),
        ("x" * 5000, "too long"),
        (_token(key=b"another key of thirty-two bytes!"), "none of ours"),
        (_token(key=None, algorithm="none"), "none of ours"),
        (_token(key=b"k" * 48, algorithm="HS384"), "none of ours"),
        (_token(aud="somebody-else"), "none of ours"),
        (_token(iss="somebody-else"), "none of ours"),
        *(
            (_token(without=name), "none of ours")
            for name in ("aud", "iss", "sub", "exp", "iat", "role", "scope")
        ),
        (_token(exp=int(NOW.timestamp())), "expired"),
        (_token(exp="tomorrow"), "no numbers"),
        (_token(iat=int(NOW.timestamp()) + 31), "future"),
        (_token(sub="gone"), "not known"),
        (_token(role="BL"), "not known"),
    ],
)
def test_no_other_token_counts(token: str, why: str) -> None:
    with pytest.raises(Problem, match=why) as caught:
        TOKENS.actor(token, NOW)
    assert caught.value.status == 401


def test_a_token_ends_by_our_clock() -> None:
    token = _token()
    assert TOKENS.actor(token, NOW + timedelta(seconds=3599)).client_id == "ven1"
    with pytest.raises(Problem, match="expired"):
        TOKENS.actor(token, NOW + timedelta(hours=1))
    with pytest.raises(Problem, match="future"):
        TOKENS.actor(token, NOW - timedelta(hours=1))


def test_scopes_that_the_role_has_not_are_worth_nothing() -> None:
    actor = TOKENS.actor(_token(scope="write_programs write_reports read_bl"), NOW)
    assert actor.scopes == {"write_reports"}


async def test_headers_that_are_no_token() -> None:
    async with w.world() as world:
        for header in ("", "Bearer", "Basic dmVuMTp4", "Bearer  ", f"Token {world.token('bl')}"):
            response = await world.http.get("/openadr3/3.1.1/programs", headers={"Authorization": header})
            assert response.status_code == 401, header


def test_secrets_are_hashed() -> None:
    hashed = hashed_secret(w.SECRET)
    assert w.SECRET not in hashed
    assert hashed != hashed_secret(w.SECRET), "each with a salt of its own"
    assert secret_fits(w.SECRET, hashed)
    assert not secret_fits(w.SECRET + " ", hashed)


def test_the_clients_file(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    hashed = hashed_secret("x", b"s" * 16)
    file.write_text(f'[[client]]\nid = "a"\nrole = "VEN"\nsecret = "{hashed}"\nven_name = "home"\n')
    assert load_clients(file).ven_names == {"home": "a"}
    for text, finding in (
        ('[[client]]\nid = "a"', "clients.toml: Object missing required field `role`"),
        ('[[client]]\nid = "a"\nrole = "VEN"\nsecret = "plain"', "clients.toml: client 'a': `secret` is not"),
        (f'[[client]]\nid = "a"\nrole = "BOSS"\nsecret = "{hashed}"', "BOSS"),
        ("[[client", "clients.toml:"),
    ):
        file.write_text(text)
        with pytest.raises(ProfileRejected) as caught:
            load_clients(file)
        assert finding in str(caught.value)
    one = Client(id="a", role="VEN", secret=hashed, ven_name="home")
    with pytest.raises(ProfileRejected, match="id 'a' is there 2 times\nven_name 'home' is there 2 times"):
        gathered([one, one])


def test_settings_are_checked() -> None:
    from devices.openadr.settings import check_settings

    wrong = replace(w.settings(), token_key=b"short", path="openadr", versions=("2.0",), public_url="here")
    with pytest.raises(ProfileRejected) as caught:
        check_settings(wrong)  # type: ignore[arg-type]
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        "token_key",
        "path",
        "versions",
        "public_url:",
    ]


async def test_wrong_log_ins_of_others_at_an_address_keep_nobody_out() -> None:
    async with w.world(log_in_failures=1) as world:
        for number in range(4):
            await _post(world, "3.1.1", GOOD | {"client_id": f"x{number}", "client_secret": "guess"})
        assert world.vtn.app._log_in._failures.is_notorious("127.0.0.1", time.monotonic())
        both = await asyncio.gather(
            *(_post(world, "3.1.1", GOOD | {"client_id": c}) for c in ("ven1", "ven2"))
        )
        assert sorted(answer.status_code for answer in both) == [200, 401], "one at a time"
        assert (await _post(world, "3.1.1", GOOD)).status_code == 200
