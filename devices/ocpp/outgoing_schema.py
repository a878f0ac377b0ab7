"""The last look at a command before the wire: does it match the published JSON schema of its call? [6]

The schemas are the Open Charge Alliance's, as they come with the library `ocpp`. Only what sets or clears a
limit is looked at: it is rare, and a wrong one would be the worst that we can send. Each schema is read once.
"""

import json
from decimal import Decimal

from ocpp.messages import get_validator  # type: ignore[import-untyped]

from devices.errors import CommandRejected
from devices.ocpp.heard import Outgoing

_CALL = 2


def checked(version: str, outgoing: Outgoing) -> Outgoing:
    """The call itself, or CommandRejected. Numbers are compared as decimals: 1.6 wants tenths."""
    validator = get_validator(_CALL, outgoing.action, version, parse_float=Decimal)
    fault = next(validator.iter_errors(json.loads(json.dumps(outgoing.payload), parse_float=Decimal)), None)
    if fault is not None:
        raise CommandRejected(f"{outgoing.action}: {fault.message}")
    return outgoing
