"""What may be the id of a feeder, meter, device, customer or request: fit for a topic level and a log.

Knows nothing of who uses which id.
"""

import re

MAX_ID_LENGTH = 128
_FIT = re.compile(r"(?!\$)[^/+#\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,128}")
_WILD = frozenset("/+#")
_SURROGATES = range(0xD800, 0xE000)
_C1_CONTROLS = range(0x7F, 0xA0)


def id_fault(value: str) -> str | None:
    """What is wrong with this id, or None when it is fit for use."""
    if _FIT.fullmatch(value):
        return None
    if not value:
        return "is empty"
    if len(value) > MAX_ID_LENGTH:
        return f"is longer than {MAX_ID_LENGTH} characters"
    if value.startswith("$"):
        return "begins with $, which MQTT keeps for the broker"
    for character in value:
        code = ord(character)
        if character in _WILD:
            return f"contains {character!r}, which MQTT keeps for topics"
        if code < 0x20 or code in _C1_CONTROLS or code in _SURROGATES:
            return f"contains the control character {code:#04x}"
    return None
