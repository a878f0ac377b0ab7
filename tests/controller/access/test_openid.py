"""Sign-in by a provider's word: an independent provider over a real socket, and words that must not count."""

import asyncio
import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from prometheus_client import CollectorRegistry

from controller.access.account_store import AccountStore
from controller.access.accounts import NO_PASSWORD, Account
from controller.access.openid import MOST_AT_ONCE, Identity, NotLetIn, OpenId, OpenIdSettings
from controller.access.provider import ProviderFault
from controller.access.sign_in import Refused, SignInDesk
from controller.api.app import create_app
from controller.clock import WallClock
from tests.controller.access.test_sign_in import inline
from tests.controller.api.conftest import COOKIE, calling
from tests.controller.api.fake_views import FakeViews

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock

ROLES = {"shift-leads": "supervisor", "control-room": "operator"}
BACK = "http://console/api/v1/session/openid/back"
ISSUER = "https://login.example.org"
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
HERE = {"sec-fetch-site": "same-origin"}


def settings_of(issuer: str) -> OpenIdSettings:
    return OpenIdSettings(issuer, "gridward", "a secret/with+signs", BACK, ROLES)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AccountStore]:
    store = AccountStore(tmp_path / "accounts.sqlite3")
    yield store
    store.close()


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    people = [
        oidc_provider_mock.User(
            sub="u-1", claims={"preferred_username": "anna", "groups": ["control-room", "choir"]}
        ),
        oidc_provider_mock.User(sub="u-2", claims={"preferred_username": "ben", "groups": ["choir"]}),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with oidc_provider_mock.run_server_in_thread(user_claims=people) as server:
            yield f"http://localhost:{server.server_port}"


async def sign_in(console: httpx.AsyncClient, provider: str, subject: str) -> httpx.Response:
    """As a browser does it: to the provider, its form, and back."""
    there = await console.get("/api/v1/session/openid")
    assert there.status_code == 303
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert there.headers["location"].startswith(provider)
        agreed = await browser.post(there.headers["location"], data={"sub": subject})
    return await console.get(agreed.headers["location"])


async def test_an_independent_provider_lets_people_in_by_their_groups(
    provider: str, store: AccountStore, views: FakeViews
) -> None:
    clock = WallClock()
    desk = SignInDesk(store, clock, inline)
    async with httpx.AsyncClient(trust_env=False) as client:
        openid = OpenId(settings_of(provider), client, clock)
        app = create_app(views, CollectorRegistry(), None, clock=clock, sign_in=desk, openid=openid)
        async with calling(app) as console:
            assert (await sign_in(console, provider, "u-1")).headers["location"] == "/"
            who = (await console.get("/api/v1/session")).json()
            assert (who["name"], who["may"]) == ("anna", ["answer", "customers", "look", "operate"])
        async with calling(app) as console:
            refused = await sign_in(console, provider, "u-2")
            assert refused.status_code == 403
            assert "none of their groups" in refused.json()["detail"]
            assert COOKIE not in console.cookies
    assert [(a.name, a.role, a.issuer, a.subject) for a in store.accounts()] == [
        ("anna", "operator", provider, "u-1")
    ]
    with pytest.raises(Refused):  # no password opens it
        await desk.sign_in("anna", NO_PASSWORD, None, "a")


async def test_only_the_browser_that_began_can_finish(
    provider: str, store: AccountStore, views: FakeViews
) -> None:
    clock = WallClock()
    async with httpx.AsyncClient(trust_env=False) as client:
        openid = OpenId(settings_of(provider), client, clock)
        desk = SignInDesk(store, clock, inline)
        app = create_app(views, CollectorRegistry(), None, clock=clock, sign_in=desk, openid=openid)
        async with calling(app) as thief, httpx.AsyncClient(trust_env=False) as browser:
            there = await thief.get("/api/v1/session/openid")
            agreed = await browser.post(there.headers["location"], data={"sub": "u-1"})
        async with calling(app) as victim:
            answer = await victim.get(agreed.headers["location"])
            assert answer.status_code == 403
            assert COOKIE not in victim.cookies


class Forger:
    """A provider that says what it is told to."""

    def __init__(self) -> None:
        self.nonce = ""
        self.claims: dict[str, Any] = {}
        self.token: str | None = None
        self.document: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/a",
            "token_endpoint": f"{ISSUER}/t",
            "jwks_uri": f"{ISSUER}/k",
        }
        self.keys: dict[str, Any] | None = None
        self.asked: list[httpx.Request] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        match request.url.path:
            case "/.well-known/openid-configuration":
                return httpx.Response(self.status, json=self.document)
            case "/k" if self.keys is not None:
                return httpx.Response(200, json=self.keys)
            case "/k":
                key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
                return httpx.Response(200, json={"keys": [key | {"kid": "k1", "alg": "RS256"}]})
            case _:
                return httpx.Response(200, json={"id_token": self.token or self.signed()})

    def all_claims(self) -> dict[str, Any]:
        now = int(datetime.now(UTC).timestamp())
        good = {
            "iss": ISSUER, "aud": "gridward", "sub": "u-1", "iat": now, "exp": now + 300, "nonce": self.nonce,
            "preferred_username": "anna", "groups": ["choir", "control-room", "shift-leads"],
        }  # fmt: skip
        return {name: value for name, value in (good | self.claims).items() if value is not ...}

    def signed(self, key: Any = KEY, algorithm: str = "RS256", kid: str = "k1") -> str:
        return jwt.encode(self.all_claims(), key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
def forger() -> Forger:
    return Forger()


async def finish(forger: Forger, forge: Any = None) -> Identity:
    client = httpx.AsyncClient(transport=httpx.MockTransport(forger))
    openid = OpenId(settings_of(ISSUER), client, WallClock())
    address, sealed = await openid.begin()
    query = parse_qs(urlsplit(address).query)
    (state,) = query["state"]
    forger.nonce = query["nonce"][0]
    assert query["code_challenge_method"] == ["S256"]
    if forge is not None:
        forger.token = forge(forger)
    identity = await openid.finish(sealed, state, "code")
    with pytest.raises(NotLetIn, match="not under way"):
        await openid.finish(sealed, state, "code")
    return identity


async def test_of_several_groups_the_first_listed_counts(forger: Forger) -> None:
    assert await finish(forger) == Identity(ISSUER, "u-1", "anna", "supervisor")
    (asked,) = [r for r in forger.asked if r.url.path == "/t"]
    assert (
        httpx.BasicAuth("gridward", "a+secret%2Fwith%2Bsigns")._auth_header == asked.headers["authorization"]
    )


def public_pem() -> bytes:
    return KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def confused(forger: Forger) -> str:
    """The public key used as a shared secret: a signature anybody can make."""
    body = jwt.encode(forger.all_claims(), "x" * 32, algorithm="HS256", headers={"kid": "k1"})
    head, claims, _ = body.split(".")
    import hashlib
    import hmac

    mac = hmac.digest(public_pem(), f"{head}.{claims}".encode(), hashlib.sha256)
    return f"{head}.{claims}.{jwt.utils.base64url_encode(mac).decode()}"


@pytest.mark.parametrize(
    "forge",
    [
        lambda f: f.signed(OTHER_KEY),
        lambda f: f.signed(kid="k2"),
        lambda f: jwt.encode(f.all_claims(), "", algorithm="none", headers={"kid": "k1"}),
        confused,
        lambda f: f.signed()[:-4],
        lambda f: "no.token.atall",
    ],
    ids=["other key", "unknown key", "unsigned", "key as secret", "cut", "nonsense"],
)
async def test_a_forged_word_does_not_count(forger: Forger, forge: Any) -> None:
    with pytest.raises(NotLetIn):
        await finish(forger, forge)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"nonce": ...}, {"aud": "somebody else"}, {"aud": ["gridward", "x"]},
        {"iss": "x"},
        {"exp": 1_000_000_000}, {"exp": ...}, {"iat": 4_000_000_000}, {"exp": "soon"}, {"sub": ...},
        {"exp": float("nan")}, {"nbf": 4_000_000_000}, {"nbf": "soon"},
        {"groups": ["choir"]}, {"groups": ...}, {"groups": {"control-room": 1}}, {"preferred_username": ...},
    ],
)  # fmt: skip
async def test_a_word_that_is_not_for_us_now_does_not_count(forger: Forger, claims: dict[str, Any]) -> None:
    forger.claims = claims
    with pytest.raises(NotLetIn):
        await finish(forger)


async def test_a_provider_that_is_none_is_told_apart(forger: Forger) -> None:
    for document, words in (
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"token_endpoint": "file:///etc/passwd"}, "names no token_endpoint"),
        ({"jwks_uri": None}, "names no jwks_uri"),
        ({"filler": "x" * 300_000}, "says too much"),
        ({"token_endpoint": "http://login.example.org/t"}, "names no token_endpoint that begins with https"),
        ({"token_endpoint": "https://[login/t"}, "names no token_endpoint"),
        ({"jwks_uri": "https://login.example.org:port/k"}, "cannot be reached"),
    ):
        forger = Forger()
        forger.document |= document
        with pytest.raises(ProviderFault, match=words):
            await finish(forger)
    for keys in ({"keys": [1]}, {"keys": 1}, {"keys": [{"kty": "RSA", "kid": "k1", "n": 5, "e": "AQAB"}]}):
        forger = Forger()
        forger.keys = keys
        with pytest.raises(ProviderFault, match="keys cannot be read"):
            await finish(forger)
    forger = Forger()
    forger.status = 302
    with pytest.raises(ProviderFault, match="answers 302"):
        await finish(forger)


async def test_a_clock_that_is_a_little_behind_does_no_harm(forger: Forger) -> None:
    soon = int(datetime.now(UTC).timestamp()) + 20
    forger.claims = {"iat": soon, "nbf": soon}
    assert (await finish(forger)).name == "anna"


async def test_many_who_begin_push_nobody_out(forger: Forger, store: AccountStore, views: FakeViews) -> None:
    clock = WallClock()
    openid = OpenId(settings_of(ISSUER), httpx.AsyncClient(transport=httpx.MockTransport(forger)), clock)
    app = create_app(
        views, CollectorRegistry(), None, clock=clock, sign_in=SignInDesk(store, clock, inline), openid=openid
    )
    async with calling(app) as victim:
        there = await victim.get("/api/v1/session/openid")
        query = parse_qs(urlsplit(there.headers["location"]).query)
        forger.nonce = query["nonce"][0]
        for _ in range(1100):
            await openid.begin()
        other, _ = await openid.begin()
        back = "/api/v1/session/openid/back"
        theirs = parse_qs(urlsplit(other).query)["state"][0]
        assert (await victim.get(back, params={"state": theirs, "code": "c"})).status_code == 403
        kept = {"state": query["state"][0], "code": "c"}
        assert forger.nonce not in str(victim.cookies)  # sealed
        assert (await victim.get(back, params=kept)).status_code == 303
        assert victim.cookies[COOKIE]


async def test_a_provider_that_hangs_is_not_queued_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.access.provider.DEADLINE_S", 0.05)
    asked = []

    async def hang(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        await asyncio.sleep(3600)
        raise AssertionError

    openid = OpenId(settings_of(ISSUER), httpx.AsyncClient(transport=httpx.MockTransport(hang)), WallClock())
    begun = [asyncio.create_task(openid.begin()) for _ in range(MOST_AT_ONCE + 5)]
    faults = [str(fault) for fault in await asyncio.gather(*begun, return_exceptions=True)]
    assert sorted(set(faults)) == [
        "the provider cannot be reached: TimeoutError", "too many sign-ins wait for the provider"
    ]  # fmt: skip
    assert faults.count("too many sign-ins wait for the provider") == 5
    assert len(asked) == 1


async def test_who_is_disabled_does_not_come_back_by_another_name(store: AccountStore) -> None:
    desk = SignInDesk(store, WallClock(), inline)
    await desk.sign_in_as(Identity(ISSUER, "u-1", "anna", "operator"), "a")
    married = await desk.sign_in_as(Identity(ISSUER, "u-1", "anna.b", "operator"), "a")
    assert married.principal.name == "anna"  # the journal knows her by it
    await desk.sign_in_as(Identity(ISSUER, "u-1", "no name at all\n", "operator"), "a")
    store.set_disabled("anna", disabled=True)
    for name in ("anna", "anna2"):
        with pytest.raises(NotLetIn, match="disabled"):
            await desk.sign_in_as(Identity(ISSUER, "u-1", name, "operator"), "a")
    assert [one.name for one in store.accounts()] == ["anna"]
    assert not store.add(Account("second", "operator", NO_PASSWORD, issuer=ISSUER, subject="u-1"))


async def test_a_name_that_is_taken_is_nobody_else_s(store: AccountStore) -> None:
    desk = SignInDesk(store, WallClock(), inline)
    store.add(Account("anna", "viewer", NO_PASSWORD))
    with pytest.raises(NotLetIn, match="another account's"):
        await desk.sign_in_as(Identity(ISSUER, "u-1", "anna", "supervisor"), "a")
    ben = Identity(ISSUER, "u-2", "ben", "operator")
    first = await desk.sign_in_as(ben, "a")
    again = await desk.sign_in_as(Identity(ISSUER, "u-2", "ben", "viewer"), "a")
    assert await desk.by_session(first.secret) is None  # another role ends what the old one began
    principal = await desk.by_session(again.secret)
    assert principal is not None
    assert principal.may == {"look"}
    with pytest.raises(NotLetIn, match="another account's"):
        await desk.sign_in_as(Identity(ISSUER, "u-3", "ben", "operator"), "a")
    with pytest.raises(NotLetIn, match="none that the journal"):
        await desk.sign_in_as(Identity(ISSUER, "u-4", "no name at all\n", "operator"), "a")
