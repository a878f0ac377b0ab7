"""Addresses in Latin letters: German, British, American and their like. Pure.

The first part (between commas or lines) that has a house number is the street; what stands before it (a
name, a house's name) is passed over, what follows is the town. The number may lead (`12 High St`) or follow
(`Hauptstr. 12 a`). Building, staircase, floor and flat make the unit; what stands behind the number and is
not understood belongs to it as well, so that it keeps two flats apart.
"""

import re
import unicodedata

from customers.appliances.address_parts import Address

_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "o", "æ": "ae", "ł": "l", "đ": "d", "œ": "oe"}
)
_PARTS = re.compile(r"[,;\n\r\t]+")
_FLAT_WORDS = (
    r"flat|studio|maisonette|apartment|apartement|apt|appartement|unit|suite|ste|room|rm"
    r"|wohnung|whg|wohneinheit|zimmer|app|tuer|top"
)
_UNIT = re.compile(
    rf"\b(?:{_FLAT_WORDS})\b\.?\s*(?:nr|no)?\.?\s*#?\s*"
    r"([0-9]+\s?[a-z]?(?![a-z0-9])|[a-z]\b|[a-z]+[0-9]+[a-z]*)"
    r"|#\s*([a-z0-9½]+(?:-[a-z0-9½]+)*)"
)
_FLOOR = re.compile(
    r"\b(?:([0-9]+)\s*\.?\s*(?:og|obergeschoss|stock|etage)"
    r"|(eg|dg|ug|erdgeschoss|dachgeschoss|untergeschoss|souterrain|hochparterre))\b\.?"
    r"\s*(links|rechts|mitte|li|re|mi)?\b\.?"
)
_ENGLISH_FLOOR = re.compile(
    r"\b(ground|first|second|third|fourth|fifth|top|upper|lower|basement|garden|attic|[0-9]+(?:st|nd|rd|th))\s+"
    r"(?:floor(?:\s+(?:flat|apartment|maisonette))?|flat|apartment|maisonette)\b(?!\s*[0-9])"
    r"(?:\s+(front|rear|left|right)\b)?"
)
_HOUSE_PART = re.compile(
    r"\b(?:(hinterhaus|vorderhaus|seitenfluegel|rueckgebaeude|vordergebaeude|quergebaeude|gartenhaus|anbau|annexe?"
    r"|basement)\b(?:\s*([0-9]{1,2})(?![0-9a-z]))?"
    r"|(?:block|aufgang|eingang|treppe|stiege|staircase|entrance|haus|gebaeude|building|bldg|tower)\b\.?"
    r"\s*(?:nr\b\.?)?\s*([0-9]{1,3}[a-z]?|[a-z])(?![0-9a-z]))"
)
_SIDE = re.compile(r"links|rechts|li|re")
_UK = re.compile(r"\b([a-z]{1,2}[0-9][a-z0-9]?)\s*([0-9][a-z]{2})\b")
_FIVE = re.compile(r"\b(?:d\s*-\s*|de\s*-\s*)?([0-9]{5})(?:-[0-9]{4})?\b")
_FOUR = re.compile(r"^(?:(?:a|ch|l|b|nl)\s*-\s*)?([1-9][0-9]{3})\s+(?=[a-z])")
_LETTER = r"\s?[a-z](?![a-z0-9])"
_NUMBER = rf"[0-9]+(?:½|{_LETTER})?(?:\s?[-/]\s?(?:[0-9]+(?:½|{_LETTER})?|[a-z](?![a-z0-9])))*"
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
    plain = unicodedata.normalize("NFKC", text.replace("½", " 1/2")).casefold()
    plain = unicodedata.normalize("NFKC", plain).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in plain if not unicodedata.combining(c))


def read(text: str) -> Address:
    """The parts; an empty street where there is none."""
    whole = re.sub(r"(?<=[0-9])\s+1/2(?![0-9/])", "½", folded(text))
    parts = [" ".join(part.split()) for part in _PARTS.split(whole)]
    parts = [part for part in parts if part and part.strip(" .") not in _COUNTRIES]
    unit, parts = _unit(parts)
    postcode, parts = _postcode(parts)
    street, number, left, rest = _street(parts)
    if left and not rest:  # no other town is told
        left, rest = "", [left]
    number, _, behind = number.partition("/")
    numbered = [part for part in rest if re.fullmatch(_NUMBER, part)]  # a house's second number is no town
    rest = [part for part in rest if part not in numbered]
    unit = "-".join(filter(None, [*map(_plain, (left, *numbered, *behind.split("/"))), unit]))
    return Address(
        chinese=False,
        postcode=postcode,
        city=" ".join(re.sub(r"[^a-z0-9]+", " ", " ".join(rest)).split()),
        street=_street_key(street),
        number="-".join(re.sub(r"^0+(?=.)", "", one) for one in number.split("-")),
        unit=unit,
    )


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9½]+", "", text)


def _unit(parts: list[str]) -> tuple[str, list[str]]:
    """What leads to the flat, from the part of the house to the flat, and the parts without it."""
    houses: list[str] = []
    floors: list[str] = []
    flats: list[str] = []
    kept = []
    for one in parts:
        part, found = _cut(one, _UNIT)
        if found is not None:
            said = found[2] or re.sub(r"^0+(?=.)", "", found[1].replace(" ", ""))
            flats.append(said)
        part, found = _cut(part, _FLOOR)
        if found is not None:
            floors.append(f"{f'og{found[1]}' if found[1] else found[2][:2]}{(found[3] or '')[:1]}")
        part, found = _cut(part, _ENGLISH_FLOOR)
        if found is not None:
            floors.append(f"{found[1]}{found[2] or ''}")
        part = _without_house_parts(part, houses)
        if _SIDE.fullmatch(part):
            floors.append(part[0])
        elif part:
            kept.append(part)
    if houses and not (floors or flats) and len(houses[-1]) <= 4:
        houses[-1] = f"haus{houses[-1]}"  # house 2 is not flat 2
    return "-".join([*houses, *floors, *flats]), kept


def _cut(part: str, pattern: re.Pattern[str]) -> tuple[str, re.Match[str] | None]:
    found = pattern.search(part)
    if found is None:
        return part, None
    return " ".join(f"{part[: found.start()]} {part[found.end() :]}".split()).strip(" ."), found


def _without_house_parts(part: str, houses: list[str]) -> str:
    """Behind a number, or all of the part: `Am Gartenhaus 5` is a street."""
    place = 0
    while (found := _HOUSE_PART.search(part, place)) is not None:
        before = part[: found.start()]
        alone = not before.strip(" .-(") and (found[3] or not found[2])
        if alone or re.search(r"[0-9]", before):
            houses.append(f"{found[1] or ''}{found[2] or ''}{found[3] or ''}")
            part, place = f"{before.rstrip(' -(')} {part[found.end() :].lstrip(' )')}".strip(" ."), 0
        else:
            place = found.end()
    return " ".join(part.split())


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


def _street(parts: list[str]) -> tuple[str, str, str, list[str]]:
    """Street, number, what stands behind it, and the other parts."""
    for place, part in enumerate(parts):
        if found := _LEADING.fullmatch(part):
            return found[2], found[1].replace(" ", ""), "", parts[place + 1 :]
        if found := _TRAILING.fullmatch(part) or _INSIDE.match(part):
            return found[1], found[2].replace(" ", ""), part[found.end() :].strip(), parts[place + 1 :]
        if re.fullmatch(_NUMBER, part) and place:
            return parts[place - 1], part.replace(" ", ""), "", parts[place + 1 :]
    return (parts[0], "", "", parts[1:]) if parts else ("", "", "", [])


def _street_key(street: str) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", street) if word]
    if len(words) > 1 and words[0] == "st":
        words[0] = "saint"
    whole = "".join(_WORDS.get(word, word) for word in words)
    return re.sub(r"(?<=[a-z])str$", "strasse", whole)
