"""The two published OpenAPI documents, and whether an answer is one that they describe.

What in them contradicts itself is mended here, each place with its reason; nothing else is changed.
"""

import re
from copy import deepcopy
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import schemathesis
import yaml

from devices.openadr.field_types import NEVER_NULL

SPEC = Path(__file__).with_name("spec")
BASE = {version: f"/openadr3/{version}" for version in ("3.0.1", "3.1.1")}
UNAUTHORIZED = {"$ref": "#/components/responses/unauthorized"}


class _Loader(yaml.CSafeLoader):
    """Leaves times as the texts that JSON has."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
        for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@cache
def document(version: str) -> dict[str, Any]:
    """The document, mended."""
    text = (SPEC / f"openadr3-{version}.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.load(text, _Loader)
    read["servers"] = [{"url": f"http://vtn.test{BASE[version]}"}]
    schemas = read["components"]["schemas"]
    # `items` without a type would let a number be a program description
    holder = schemas["program" if version == "3.0.1" else "programRequest"]
    holder["properties"]["programDescriptions"]["items"]["type"] = "object"
    # a POST or PUT without a body is none: the schema of the body has required fields
    for path in read["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                operation["requestBody"]["required"] = True
    if version == "3.1.1":
        _mend_311(read)
    return read


def _mend_311(read: dict[str, Any]) -> None:
    schemas = read["components"]["schemas"]
    # an answer would need an objectType that is VEN and BL_VEN_REQUEST at once
    for kind, request in (("ven", "BlVenRequest"), ("resource", "BlResourceRequest")):
        held = deepcopy(schemas[request])
        del held["properties"]["objectType"]
        held["required"].remove("objectType")
        schemas[kind]["allOf"][1] = held
    # it wants a token and does not say what happens without one
    read["paths"]["/notifiers"]["get"]["responses"]["401"] = UNAUTHORIZED
    # read_all is business logic's, but home VENs need to know how they may be notified (User Guide, MQTT)


@cache
def schema(version: str) -> Any:
    """The document for schemathesis."""
    return schemathesis.openapi.from_dict(deepcopy(document(version)))


@cache
def schema_of_requests(version: str) -> Any:
    """As `schema`, but null stands for any optional field that is left out, as some clients write it."""
    read = deepcopy(document(version))
    for described in read["components"]["schemas"].values():
        _allow_nulls(described)
    return schemathesis.openapi.from_dict(read)


def _allow_nulls(described: dict[str, Any]) -> None:
    for name, field in described.get("properties", {}).items():
        if name in NEVER_NULL and name not in described.get("required", ()) and "enum" not in field:
            described["properties"][name] = {"nullable": True, "allOf": [field]}
    for part in described.get("properties", {}).values():
        if isinstance(part.get("items"), dict):
            _allow_nulls(part["items"])


@cache
def _templates(version: str) -> list[tuple[re.Pattern[str], str]]:
    paths = sorted(document(version)["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + r"\Z"), path) for path in paths]


def check_documented(response: httpx.Response) -> None:
    """Fail unless the document has this answer for this operation."""
    found = re.match(r"/openadr3/(3\.\d\.\d)(/.*)", response.request.url.path)
    assert found is not None, response.request.url
    version, path = found[1], found[2]
    template = next((template for pattern, template in _templates(version) if pattern.match(path)), None)
    assert template is not None, f"{path} is no path of {version}"
    method = response.request.method.lower()
    operation = document(version)["paths"][template].get(method)
    if operation is None:
        assert response.status_code == 405
        return
    assert str(response.status_code) in operation["responses"], (
        f"{method} {template} of {version} has no {response.status_code}: {response.text[:200]}"
    )
    assert response.headers["content-type"] == "application/json"
    schema(version)[template][method.upper()].validate_response(response)


def check_object(version: str, kind: str, body: object) -> None:
    """Fail unless this is an object of its kind, as `GET` answers with it."""
    plural = f"{kind}s"
    path = f"/vens/{{venID}}/{plural}" if kind == "resource" and version == "3.0.1" else f"/{plural}"
    answer = httpx.Response(200, json=body, request=httpx.Request("GET", "http://vtn.test"))
    answer.elapsed = timedelta()
    schema(version)[f"{path}/{{{kind}ID}}"]["GET"].validate_response(answer)
