"""The published OpenAPI documents as judges of what we send: JSON schemas of both versions."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

_SPEC = Path(__file__).parent / "spec"


@cache
def document(version: str) -> dict[str, Any]:
    """The whole document, as JSON schema of today instead of OpenAPI 3.0's."""
    text = (_SPEC / f"openadr3-{version}.yaml").read_text(encoding="utf-8")
    return dict(_todays(yaml.load(text, Loader=yaml.CSafeLoader)))


@cache
def validator(version: str, schema: str) -> Any:
    """Judges bodies of one schema of the document, `event` for example."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": document(version)["components"]}
    return Draft202012Validator(root, format_checker=FormatChecker())


def faults(version: str, schema: str, body: Any) -> list[str]:
    """What the document has against this body."""
    return [f"{error.json_path}: {error.message}" for error in validator(version, schema).iter_errors(body)]


def _todays(value: Any) -> Any:
    if isinstance(value, list):
        return [_todays(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _todays(each) for key, each in value.items() if key not in ("nullable", "exclusiveMaximum")}
    return {"anyOf": [kept, {"type": "null"}]} if value.get("nullable") is True else kept
