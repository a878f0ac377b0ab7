"""Schemathesis makes up requests from each document, right and wrong ones, and judges the answers.

No answer may be a fault of ours or one that the document does not have; what the document allows must not be
refused as malformed, and what it forbids must not be taken.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.python import asgi

from devices.openadr.object_store import ObjectStore
from devices.openadr.vtn import Vtn
from tests.devices.live import RealClock
from tests.devices.openadr import world as w
from tests.devices.openadr.documents import BASE, schema, schema_of_requests

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "response_headers_conformance",
)
_IDS = ("programID", "eventID", "venID", "resourceID", "reportID", "subscriptionID")
OPERATIONS = [
    (version, method.upper(), path)
    for version in w.VERSIONS
    for path, item in schema(version).raw_schema["paths"].items()
    for method in item
    if method != "parameters"
]


def _is_large(version: str, method: str, path: str) -> bool:
    """Bodies that take long to make up; `make soak` has them."""
    return method in ("POST", "PUT") and path.startswith(("/events", "/reports"))


@contextmanager
def running(version: str) -> Iterator[tuple[Any, dict[str, str], dict[str, str]]]:
    """A session with a VTN that holds one object of each kind, their ids, and tokens by role."""
    vtn = Vtn(w.settings(), ObjectStore(None), RealClock(), np.random.default_rng(1), w.loopback)
    world = w.World(vtn, None)  # type: ignore[arg-type]
    tokens = {who: world.token(who, version) for who in ("bl", "ven1")}
    with asgi.get_client(vtn.app.asgi) as session:
        ids = _one_of_each(session, version, tokens)
        yield session, ids, tokens
    vtn.app.close()
    asyncio.run(vtn.repository.close())


def _one_of_each(session: Any, version: str, tokens: dict[str, str]) -> dict[str, str]:
    def made(who: str, path: str, body: dict[str, Any]) -> str:
        headers = {"Authorization": f"Bearer {tokens[who]}"}
        response = session.post(BASE[version] + path, json=body, headers=headers)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    program = made("bl", "/programs", w.program())
    event = made("bl", "/events", w.event(program))
    ven = made("ven1", "/vens", w.ven(version, "ven1", "home-1"))
    path = f"/vens/{ven}/resources" if version == "3.0.1" else "/resources"
    return {
        "programID": program,
        "eventID": event,
        "venID": ven,
        "resourceID": made("ven1", path, w.resource(version, "ven1", ven, "ven1", "charger")),
        "reportID": made("ven1", "/reports", w.report(version, program, event)),
        "subscriptionID": made("ven1", "/subscriptions", w.subscription(program)),
    }


@pytest.fixture(scope="module")
def vtns() -> Iterator[dict[str, tuple[Any, dict[str, str], dict[str, str]]]]:
    with running("3.0.1") as old, running("3.1.1") as new:
        yield {"3.0.1": old, "3.1.1": new}


def _try(operation: Any, vtn: tuple[Any, dict[str, str], dict[str, str]], examples: int) -> None:
    session, ids, tokens = vtn
    checks = CHECKS.get_by_names(_CHECKS)

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), who=st.sampled_from(["bl", "ven1"]), real=st.booleans(), right=st.booleans())
    def attempt(data: st.DataObject, who: str, real: bool, right: bool) -> None:
        mode = GenerationMode.POSITIVE if right else GenerationMode.NEGATIVE
        named = {name: ids[name] for name in _IDS if f"{{{name}}}" in operation.path}
        fixed = {"path_parameters": named} if real and right and named else {}
        case = data.draw(operation.as_strategy(mode, **fixed))
        if real and right and isinstance(case.body, dict):
            case.body.update({name: ids[name] for name in _IDS if name in case.body})
        headers = {"Authorization": f"Bearer {tokens[who]}"}
        response = case.call(session=session, headers=headers)
        case.validate_response(response, checks=checks, headers=headers)

    attempt()


@pytest.mark.parametrize(("version", "method", "path"), [one for one in OPERATIONS if not _is_large(*one)])
def test_some_requests(vtns: Any, version: str, method: str, path: str) -> None:
    _try(schema_of_requests(version)[path][method], vtns[version], 2)


@pytest.mark.soak
@pytest.mark.parametrize(("version", "method", "path"), OPERATIONS)
def test_many_requests_of_every_operation(version: str, method: str, path: str) -> None:
    with running(version) as vtn:
        _try(schema_of_requests(version)[path][method], vtn, 60)
