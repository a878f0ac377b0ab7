"""Operations by the verbs of HTTP, as 3.0.0 named them. No I/O.

Both documents have CREATE and its like in subscriptions, and clients of both versions still write POST and
its like there; 3.0.1 has the verbs in its notifications. A client that writes verbs reads them back.
"""

from collections.abc import Mapping
from typing import Any

from devices.openadr.ports import Body

VERBS: Mapping[str, str] = {"READ": "GET", "CREATE": "POST", "UPDATE": "PUT"}
"""DELETE is the same in both"""
_BY_VERB = {verb: operation for operation, verb in VERBS.items()}
_WRITTEN_AS_VERBS = "_verbs"


def without_verbs(entry: Mapping[str, Any]) -> Body:
    """An entry of `objectOperations`, in the documents' words."""
    operations = entry["operations"]
    if not _BY_VERB.keys() & set(operations):
        return dict(entry)
    named = [_BY_VERB.get(name, name) for name in operations]
    return {**entry, "operations": named, _WRITTEN_AS_VERBS: True}


def with_verbs(entry: Mapping[str, Any]) -> Body:
    """The entry as it was written."""
    answer = {name: value for name, value in entry.items() if name != _WRITTEN_AS_VERBS}
    if _WRITTEN_AS_VERBS in entry:
        answer["operations"] = [VERBS.get(name, name) for name in entry["operations"]]
    return answer
