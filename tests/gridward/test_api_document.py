"""The OpenAPI document is complete: an example of every body, which its own schema allows, and every error a
problem document (RFC 9457).
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.api.examples.by_operation import EXAMPLES
from controller.clock import WallClock
from customers.charging_stations import ChargingMap
from tests.controller.api.fake_views import FakeViews
from tests.gridward.write_api_document import document

JSON, PROBLEM = "application/json", "application/problem+json"
Named = tuple[str, dict[str, Any]]


@cache
def _whole() -> str:
    """Of the example site, with the routes that it has no use for."""
    whole: dict[str, Any] = json.loads(json.dumps(document()))
    nobody: Any = object()  # only asked when somebody signs in
    more = create_app(
        FakeViews(),
        CollectorRegistry(),
        None,
        clock=WallClock(),
        charging=ChargingMap((), dict),
        sign_in=nobody,
        openid=nobody,
    ).openapi()
    assert more["paths"].keys() - whole["paths"].keys() > {"/api/v1/charging/stations"}
    whole["paths"] = more["paths"] | whole["paths"]
    whole["components"]["schemas"] = more["components"]["schemas"] | whole["components"]["schemas"]
    return json.dumps(whole)


@pytest.fixture
def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_whole())
    return found


def operations(told: dict[str, Any]) -> Iterator[Named]:
    for path, by_method in told["paths"].items():
        for method, operation in by_method.items():
            yield f"{method.upper()} {path}", operation


def faults(told: dict[str, Any]) -> list[str]:
    """What is missing or wrong in the document, each with its operation."""
    return [
        f"{name} {fault}"
        for name, operation in operations(told)
        for fault in (*_body_faults(operation, told), *_answer_faults(name, operation, told))
    ]


def _body_faults(operation: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield from (f"posted {kind}: {fault}" for fault in _example_faults(content, told))


def _answer_faults(name: str, operation: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        contents = answer.get("content", {})
        if status[0] in "45" and (name, status) != ("GET /health", "503") and set(contents) != {PROBLEM}:
            yield f"{status}: expected {PROBLEM} alone, got {set(contents)}"
        if status in {"200", "201"} and not contents:
            yield f"{status}: has no content"
        for kind, content in contents.items():
            yield from (f"{status} {kind}: {fault}" for fault in _example_faults(content, told))
            if kind == PROBLEM and content.get("example", {}).get("status") != int(status):
                yield f"{status}: the example tells another status"


def _example_faults(content: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    if not content.get("schema"):
        yield "has no schema"
    elif "example" not in content:
        yield "has no example"
    else:
        schema = {**content["schema"], "components": told["components"]}
        yield from (error.message for error in Draft202012Validator(schema).iter_errors(content["example"]))


def test_every_body_has_an_example_that_its_schema_allows_and_every_error_is_a_problem(
    told: dict[str, Any],
) -> None:
    assert len(list(operations(told))) > 70
    assert faults(told) == []


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("POST /api/v1/payouts", ("requestBody", "content", JSON, "example")),
        ("GET /api/v1/shift", ("responses", "200", "content", JSON, "example")),
        ("GET /metrics", ("responses", "200", "content", "text/plain", "example")),
        ("GET /api/v1/shift", ("responses", "503", "content", PROBLEM)),
    ],
)
def test_what_is_taken_away_is_missed(told: dict[str, Any], name: str, way: tuple[str, ...]) -> None:
    path = name.partition(" ")[2]
    less = {**told, "paths": {path: told["paths"][path]}}
    assert faults(less) == []
    found = dict(operations(less))[name]
    for step in way[:-1]:
        found = found[step]
    del found[way[-1]]
    (fault,) = faults(less)
    assert fault.startswith(name)


def test_no_example_is_for_an_operation_that_is_not_there(told: dict[str, Any]) -> None:
    assert EXAMPLES.keys() <= dict(operations(told)).keys()


def test_path_parameters_have_examples_as_well(told: dict[str, Any]) -> None:
    without = [
        f"{name}: {parameter['name']}"
        for name, operation in operations(told)
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path" and "example" not in parameter
    ]
    assert without == []


def test_no_error_is_told_as_the_framework_would(told: dict[str, Any]) -> None:
    assert "ValidationError" not in json.dumps(told)
