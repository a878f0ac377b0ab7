"""The whole API against its own document: schemathesis finds no 5xx and no answer that is not documented.

The stream never ends, so it is left out; health is not ready on purpose, because nothing runs.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from controller.access.account_store import AccountStore
from controller.access.accounts import NO_PASSWORD, Account, Session, digest_of, new_secret
from controller.access.roles import ROLES, Role
from controller.api.cookies import Cookies
from controller.clock import WallClock
from controller.settings_file import load_site
from gridward.wiring import Assembly, assemble

EXAMPLE = Path(__file__).parents[2] / "config/sites/example"
TOKEN = "a token that operators know"
Shown = Callable[[Role], dict[str, str]]
KNOWN = {"feeder": "dorf", "customer": "C-001"}
UNREADY = {
    "/health",
    "/api/v1/feeders/{feeder}/state",
    "/api/v1/feeders/{feeder}/contributions",
    "/api/v1/feeders/{feeder}/what-if",
}
"""say 503 until a cycle has run"""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("site") / "example"
    shutil.copytree(EXAMPLE, folder)
    (folder / "operator.token").write_text(TOKEN)
    with (folder / "site.toml").open("a") as site:
        site.write('\n[api]\noperator_token_file = "operator.token"\n')
    return assemble(load_site(folder / "site.toml"), WallClock(), np.random.default_rng(1))


@pytest.fixture(scope="module")
def store(assembly: Assembly) -> Iterator[AccountStore]:
    store = AccountStore(assembly.daemon.site.api.accounts)
    for role in ROLES:
        store.add(Account(f"the.{role}", role, NO_PASSWORD))
    yield store
    store.close()


@pytest.fixture(scope="module")
def operations(assembly: Assembly) -> list[Any]:
    """What the document has: read once, because reading it takes seconds."""
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", assembly.app)
    return [found.ok() for found in schema.get_all_operations()]


def by_token(role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {TOKEN}"}


def by_nothing(role: Role) -> dict[str, str]:
    return {}


@pytest.mark.parametrize("shown", [by_token, by_nothing])
def test_every_answer_is_documented_and_none_is_a_fault(operations: list[Any], shown: Shown) -> None:
    _try_all(operations, shown)


def test_so_it_is_for_who_is_signed_in_whatever_their_role(
    operations: list[Any], store: AccountStore
) -> None:
    def by_session(role: Role) -> dict[str, str]:
        """A new one each time, because some sign out."""
        secret, now = new_secret(), WallClock().now()
        account = store.account(f"the.{role}")
        assert account is not None
        assert store.begin(Session(digest_of(secret), account.name, now, now), account, 8)
        return {"cookie": f"{Cookies().session}={secret}", "sec-fetch-site": "same-origin"}

    _try_all(operations, by_session)


def _try_all(operations: list[Any], shown: Shown) -> None:
    assert len(operations) > 30
    for operation in operations:
        if operation.path != "/api/v1/stream":
            _try(operation, shown)


def _try(operation: Any, shown: Shown) -> None:
    # what is well formed may still make no sense: an order by the operator token has to say who
    excluded = [positive_data_acceptance]
    if operation.path in UNREADY:
        excluded.append(not_a_server_error)

    @settings(
        max_examples=4,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), known=st.booleans(), role=st.sampled_from(ROLES))
    def attempt(case: Any, known: bool, role: Role) -> None:
        if known:
            case.path_parameters = {**case.path_parameters, **_known(case.path_parameters)}
        headers = shown(role)
        if headers:  # what was made up of the document's ways in would stand beside it
            case.headers = {k: v for k, v in (case.headers or {}).items() if k.lower() != "authorization"}
            case.cookies = {}
        case.validate_response(case.call(headers=headers), headers=headers, excluded_checks=excluded)

    attempt()


def _known(given_names: Any) -> dict[str, str]:
    return {name: KNOWN[name] for name in given_names if name in KNOWN}
