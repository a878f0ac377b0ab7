"""What may be the id of a feeder, meter, device, customer or request: fit for a topic level and a log.

Knows nothing of who uses which id.
"""

import re

MAX_ID_LENGTH = 128
_UNFIT = r"/+#\x00-\x1f\x7f-\x9f\ud800-\udfff"
_FIT_ID = re.compile(rf"(?!\$)[^{_UNFIT}]{{1,{MAX_ID_LENGTH}}}")
_UNFIT_CHARACTER = re.compile(f"[{_UNFIT}]")


def id_fault(value: str) -> str | None:
    """What is wrong with this id, or None when it is fit for use."""
    if _FIT_ID.fullmatch(value):
        return None
    if not value:
        return "is empty"
    if len(value) > MAX_ID_LENGTH:
        return f"is longer than {MAX_ID_LENGTH} characters"
    unfit = _UNFIT_CHARACTER.search(value)
    if unfit is not None:
        return f"contains {unfit.group()!a}: none of / + # and no control characters can be in an id"
    return "begins with $, which MQTT keeps for the broker"
