"""Addresses in Latin letters: German, British, American and their like. Pure.

The first part (between commas or lines) that has a house number is the street; what stands before it (a
name, a house's name) is passed over, what follows is the town. The number may lead (`12 High St`) or follow
(`Hauptstr. 12 a`).
"""

import re
import unicodedata

from customers.appliances.address_parts import Address

_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "o", "æ": "ae", "ł": "l", "đ": "d", "œ": "oe"}
)
_PARTS = re.compile(r"[,;\n\r\t]+")
_FLAT_WORDS = (
    r"flat|apartment|apartement|apt|appartement|unit|suite|ste|room|rm"
    r"|wohnung|whg|wohneinheit|zimmer|app|tuer|top"
)
_UNIT = re.compile(
    rf"(?:\b(?:{_FLAT_WORDS})\b\.?\s*(?:nr|no)?\.?\s*#?\s*|#\s*)"
    r"([0-9]+\s?[a-z]?(?![a-z0-9])|[a-z]\b|[a-z]+[0-9]+[a-z]*)"
)
_FLOOR = re.compile(
    r"\b([0-9]+)\s*\.?\s*(?:og|obergeschoss|stock|etage)\b\.?\s*(links|rechts|mitte|li|re|mi)?\b\.?|\b(eg)\b"
)
_UK = re.compile(r"\b([a-z]{1,2}[0-9][a-z0-9]?)\s*([0-9][a-z]{2})\b")
_FIVE = re.compile(r"\b(?:d\s*-\s*|de\s*-\s*)?([0-9]{5})(?:-[0-9]{4})?\b")
_FOUR = re.compile(r"^(?:(?:a|ch|l|b|nl)\s*-\s*)?([1-9][0-9]{3})\s+(?=[a-z])")
_NUMBER = r"[0-9]+(?:\s?[a-z](?![a-z0-9]))?(?:\s?[-/]\s?[0-9]+(?:\s?[a-z](?![a-z0-9]))?)*"
_LEADING = re.compile(rf"({_NUMBER})\s+([a-z].*|[0-9]+(?:st|nd|rd|th)\b.*)")
_TRAILING = re.compile(rf"(.*[a-z.)])[\s.]*?\s*({_NUMBER})")
_INSIDE = re.compile(rf"([a-z][^0-9]*?[a-z.])\s*({_NUMBER})\b")
_STREET_ENDS = (
    "str",
    "strasse",
    "street",
    "road",
    "rd",
    "ave",
    "avenue",
    "lane",
    "drive",
    "weg",
    "platz",
    "allee",
)
_WORDS = {
    "st": "street", "str": "strasse", "rd": "road", "ave": "avenue", "av": "avenue", "ln": "lane",
    "dr": "drive", "blvd": "boulevard", "sq": "square", "ct": "court", "cres": "crescent", "hwy": "highway",
    "pkwy": "parkway", "terr": "terrace", "gdns": "gardens", "gr": "grove", "cl": "close", "pl": "place",
}  # fmt: skip
_COUNTRIES = frozenset({
    "germany", "deutschland", "austria", "oesterreich", "switzerland", "schweiz", "uk",
    "united kingdom", "england", "great britain", "usa", "us",
    "united states", "united states of america", "ireland",
})  # fmt: skip


def folded(text: str) -> str:
    """Lower case, no accents; umlauts as two letters; other letters than Latin stay."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = unicodedata.normalize("NFKC", plain).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in plain if not unicodedata.combining(c))


def read(text: str) -> Address:
    """The parts; an empty street where there is none."""
    parts = [" ".join(part.split()) for part in _PARTS.split(folded(text))]
    parts = [part for part in parts if part and part.strip(" .") not in _COUNTRIES]
    unit, parts = _unit(parts)
    postcode, parts = _postcode(parts)
    street, number, rest = _street(parts)
    if "/" in number:
        number, _, behind = number.partition("/")
        unit = unit or behind.replace("/", "-")
    return Address(
        chinese=False,
        postcode=postcode,
        city=" ".join(re.sub(r"[^a-z0-9]+", " ", " ".join(rest)).split()),
        street=_street_key(street),
        number="-".join(re.sub(r"^0+(?=.)", "", one) for one in number.split("-")),
        unit=unit,
    )


def _unit(parts: list[str]) -> tuple[str, list[str]]:
    """The flat, and the parts without it; of several the first."""
    found = ""
    kept = []
    for one in parts:
        part = one
        match = _UNIT.search(part)
        if match is not None:
            found = found or re.sub(r"^0+(?=.)", "", match[1].replace(" ", ""))
            part = f"{part[: match.start()]} {part[match.end() :]}"
        floor = _FLOOR.search(part)
        if floor is not None:
            found = found or (f"og{floor[1]}{(floor[2] or '')[:1]}" if floor[1] else "eg")
            part = f"{part[: floor.start()]} {part[floor.end() :]}"
        part = " ".join(part.split()).strip(" .")
        if part:
            kept.append(part)
    return found, kept


def _postcode(parts: list[str]) -> tuple[str, list[str]]:
    for pattern in (_UK, _FIVE, _FOUR):
        for place in range(len(parts) - 1, -1, -1):
            matches = list(pattern.finditer(parts[place]))
            if not matches:
                continue
            match = matches[-1]
            behind = parts[place][match.end() :].strip()
            if match.start() == 0 and place == 0 and len(parts) > 1 and _is_street(behind):
                continue  # a long house number
            before = parts[place][: match.start()].strip(" -")
            cut = [
                *parts[:place],
                *([before] if before else []),
                *([behind] if behind else []),
                *parts[place + 1 :],
            ]
            return "".join(match.groups()), cut
    return "", parts


def _is_street(text: str) -> bool:
    return text.rstrip(".").endswith(_STREET_ENDS)


def _street(parts: list[str]) -> tuple[str, str, list[str]]:
    """Street, number, and the other parts behind it."""
    for place, part in enumerate(parts):
        if found := _LEADING.fullmatch(part) or None:
            return found[2], found[1].replace(" ", ""), parts[place + 1 :]
        if found := _TRAILING.fullmatch(part) or _INSIDE.match(part):
            return found[1], found[2].replace(" ", ""), parts[place + 1 :]
        if re.fullmatch(_NUMBER, part) and place:
            return parts[place - 1], part.replace(" ", ""), parts[place + 1 :]
    return (parts[0], "", parts[1:]) if parts else ("", "", [])


def _street_key(street: str) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", street) if word]
    if len(words) > 1 and words[0] == "st":
        words[0] = "saint"
    whole = "".join(_WORDS.get(word, word) for word in words)
    return re.sub(r"(?<=[a-z])str$", "strasse", whole)
