"""Parts of an SMS; figures of 3GPP TS 23.038 and 23.040."""

import pytest

from devices.notices.sms_length import segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # an escape and its letter stay together
        ("ä{}" + "a" * 155, 1),
        ("中" * 70, 1),
        ("中" * 71, 2),
        ("中" * 134, 2),
        ("中" * 135, 3),
        ("a" * 69 + "ê", 1),  # one letter that GSM 7 lacks makes it UCS-2
        ("a" * 70 + "ê", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 33 fit into 67 units, with one left over
    ],
)
def test_parts(text: str, parts: int) -> None:
    assert segments(text) == parts
