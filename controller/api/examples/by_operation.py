"""All examples by their operation, and how the document gets them."""

from typing import Any

from controller.api.encoding import JSON
from controller.api.examples import access, customers, feeders, occurrences, orders, rewards, shifts, system
from controller.api.examples.example import PATH_EXAMPLES, Example, Examples, as_json, as_posted

EXAMPLES: Examples = {
    key: example
    for subject in (access, customers, feeders, occurrences, orders, rewards, shifts, system)
    for key, example in subject.EXAMPLES.items()
}


def add_examples(name: str, operation: dict[str, Any]) -> None:
    """Those of the operation `name`, such as `GET /api/v1/feeders`, where it says none itself."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] in PATH_EXAMPLES:
            parameter.setdefault("example", PATH_EXAMPLES[parameter["name"]])
    example = EXAMPLES.get(name)
    if example is None:
        return
    if example.posted is not None:
        operation["requestBody"]["content"][JSON].setdefault("example", as_posted(example.posted))
    _add_answer(example, next(one for status, one in operation["responses"].items() if status[0] == "2"))


def _add_answer(example: Example, answer: dict[str, Any]) -> None:
    content = answer.setdefault("content", {})
    if example.answered is not None:
        content.setdefault(JSON, {}).setdefault("example", as_json(example.answered))
    for kind, told in (example.files or {}).items():
        content.setdefault(kind, {}).setdefault("schema", {"type": "string"})
        content[kind].setdefault("example", as_json(told))
