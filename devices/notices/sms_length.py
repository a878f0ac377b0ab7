"""How many parts an SMS takes: the alphabet of 3GPP TS 23.038 (GSM 7 bit), or UCS-2 where that lacks one
letter.

160 septets or 70 code units fit into one; of several each loses the room of its header (TS 23.040), so that
153 or 67 fit. A letter outside the basic plane takes two code units. Pure.
"""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""each an escape and a letter: two septets"""
_SEPTETS, _SEPTETS_EACH = 160, 153
_UNITS, _UNITS_EACH = 70, 67


def segments(text: str) -> int:
    """The parts that a text is sent in; an empty one takes one as well.

    A letter of two septets or code units is never split between two parts, which may leave one place empty:
    that is counted.
    """
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        return _parts([2 if letter in _EXTENDED else 1 for letter in text], _SEPTETS, _SEPTETS_EACH)
    return _parts([2 if ord(letter) > 0xFFFF else 1 for letter in text], _UNITS, _UNITS_EACH)


def _parts(sizes: list[int], alone: int, each: int) -> int:
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, each
    for size in sizes:
        if size > room:
            parts, room = parts + 1, each
        room -= size
    return parts
