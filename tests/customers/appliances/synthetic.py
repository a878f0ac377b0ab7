"""Made-up streets, customers and sales, with the truth beside them: what people write, and write wrongly.

Every buyer has a true customer, or none: a part of the sales goes to houses that are no customer of ours, on
the same streets and with house numbers and flats beside those of customers. Typos hit streets, towns and
names; numbers, flats and postcodes are now and then wrong or missing. Nobody real lives here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from customers.appliances.values import Buyer
from customers.contacts import Contact

GERMAN_STREETS = (
    "Haupt", "Bahnhof", "Garten", "Linden", "Birken", "Schul", "Kirch", "Ring", "Wiesen", "Berg", "Goethe",
    "Schiller", "Mozart", "Beethoven", "Friedrich-Ebert-", "Karl-Marx-", "Rosa-Luxemburg-", "Tulpen",
    "Rosen", "Eichen", "Buchen", "Ahorn", "Tannen", "Fichten", "Amsel", "Drossel", "Finken", "Meisen",
    "Mühlen", "Bach", "Sonnen", "Feld", "Wald", "Post", "Markt", "Brunnen", "Industrie", "Robert-Koch-",
    "Albert-Schweitzer-",
)  # fmt: skip
GERMAN_ENDS = ("straße", "weg", "allee", "platz", "gasse")
ENGLISH_STREETS = (
    "High", "Station", "Church", "Park", "Victoria", "Green", "Manor", "Kings", "Queens", "New", "Grange",
    "North", "Mill", "York", "Albert", "Springfield", "George", "Windsor", "Richmond", "Stanley",
    "Alexandra", "Chester",
)  # fmt: skip
ENGLISH_ENDS = (("Street", "St"), ("Road", "Rd"), ("Avenue", "Ave"), ("Lane", "Ln"), ("Drive", "Dr"))
CHINESE_ROADS = (
    "文一", "文二", "文三", "解放", "人民", "中山", "建国", "和平", "延安", "南京", "北京", "长江", "黄河",
    "学院", "教工", "莫干山", "古墩", "体育场", "凤起", "庆春",
)  # fmt: skip
FIRST = ("Anna", "Ben", "Clara", "David", "Eva", "Felix", "Greta", "Hans", "Ida", "Jonas", "Karin", "Lars")
LAST = (
    "Schmidt", "Müller", "Schneider", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz", "Hoffmann",
    "Koch", "Bauer", "Richter", "Klein", "Wolf", "Smith", "Jones", "Taylor", "Brown", "Wilson", "Evans",
    "Thomas", "Johnson",
)  # fmt: skip
HAN_FAMILY, HAN_GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静丽强磊军洋勇艳杰涛明超"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Home:
    """Where a household lives, in parts."""

    language: str
    street: str
    end: str
    short_end: str
    number: str
    flat: str
    postcode: str
    city: str
    name: str


@dataclass(frozen=True)
class Sold:
    """A buyer as a list has them, and who it is."""

    buyer: Buyer
    customer: str | None


def homes(count: int, rng: np.random.Generator) -> list[Home]:
    """Distinct homes, some of them flats of one house."""
    made: dict[tuple[str, ...], Home] = {}
    while len(made) < count:
        home = _home(rng, towns=max(3, count // 400))
        flats = int(rng.integers(2, 7)) if rng.random() < 0.2 else 1
        for flat in range(1, flats + 1):
            one = replace(home, flat=_flat(home, flat) if flats > 1 else "", name=_name(home.language, rng))
            made[one.language, one.street, one.end, one.number, one.flat, one.postcode, one.name] = one
    return list(made.values())[:count]


def _home(rng: np.random.Generator, towns: int) -> Home:
    language = str(rng.choice(["de", "en", "zh"], p=[0.5, 0.25, 0.25]))
    town = int(rng.integers(towns))
    number = str(int(rng.integers(1, 120)))
    if language == "zh":
        city = f"浙江省{'杭州' if town % 2 else '宁波'}市{'西湖上城拱墅江北海曙余姚'[town % 6 * 2 :][:2]}区"
        return Home(
            "zh", str(rng.choice(CHINESE_ROADS)), "路", "路", number, "", f"{310000 + town}", city, ""
        )
    number += str(rng.choice(["", "a", "b"], p=[0.9, 0.06, 0.04]))
    if language == "de":
        end = str(rng.choice(GERMAN_ENDS, p=[0.5, 0.25, 0.1, 0.1, 0.05]))
        street = str(rng.choice(GERMAN_STREETS))
        short = "str." if end == "straße" else end
        postcode, city = f"{10000 + 7 * town % 80000}", f"Neu{_two_letters(town)}dorf"
        return Home("de", street, end, short, number, "", postcode, city, "")
    end, short = ENGLISH_ENDS[int(rng.integers(len(ENGLISH_ENDS)))]
    postcode = f"{_two_letters(town)}{1 + town % 9} {1 + town % 8}ab".upper()
    city = f"{_two_letters(town)}bury".title()
    return Home("en", str(rng.choice(ENGLISH_STREETS)), end, short, number, "", postcode, city, "")


def _two_letters(town: int) -> str:
    return LETTERS[town % 26] + LETTERS[town // 26 % 26]


def _flat(home: Home, flat: int) -> str:
    if home.language == "zh":
        return f"{flat}幢{1 + flat % 3}单元{flat}0{1 + flat % 4}室"
    return str(flat) if home.language == "en" else ""


def _name(language: str, rng: np.random.Generator) -> str:
    if language == "zh":
        return str(rng.choice(list(HAN_FAMILY))) + "".join(rng.choice(list(HAN_GIVEN), 2))
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def contacts(living: Sequence[Home]) -> list[Contact]:
    """What the utility holds of them, written tidily."""
    return [
        Contact(
            f"C-{n:06d}", home.name, postal=written(home), language="zh" if home.language == "zh" else "en"
        )
        for n, home in enumerate(living)
    ]


def written(home: Home) -> str:
    """The address as the utility has it."""
    if home.language == "zh":
        return f"{home.city}{home.street}{home.end}{home.number}号{home.flat}"
    if home.language == "de":
        street = (
            f"{home.street.rstrip('-')}-{home.end.title()}"
            if home.street.endswith("-")
            else home.street + home.end
        )
        return f"{street} {home.number}\n{home.postcode} {home.city}"
    flat = f"Flat {home.flat}, " if home.flat else ""
    return f"{flat}{home.number} {home.street} {home.end}\n{home.city}\n{home.postcode}"


def sold_to(
    living: Sequence[Home], count: int, rng: np.random.Generator, strangers: float = 0.2
) -> list[Sold]:
    """Buyers: customers with what people write wrongly, and `strangers` who are none."""
    known = {(written(home), home.name) for home in living}
    houses = {written(home) for home in living}
    made: list[Sold] = []
    while len(made) < count:
        place = int(rng.integers(len(living)))
        home, customer = living[place], f"C-{place:06d}"
        if rng.random() < strangers:
            home = _neighbour(home, rng)
            if written(home) in houses or (written(home), home.name) in known:
                continue
            made.append(Sold(_as_listed(home, rng), None))
        else:
            made.append(Sold(_as_listed(home, rng), customer))
    return made


def _neighbour(home: Home, rng: np.random.Generator) -> Home:
    """Somebody else in a house or flat of the same street that is no customer's."""
    number = str(int(rng.integers(1, 200))) + str(rng.choice(["", "", "c", "d"]))
    if home.language == "zh":
        number = str(int(rng.integers(1, 200)))
    flat = _flat(home, int(rng.integers(1, 9))) if home.flat else ""
    if home.flat and rng.random() < 0.4:
        number = home.number
    return replace(home, number=number, flat=flat, name=_name(home.language, rng))


def _as_listed(home: Home, rng: np.random.Generator) -> Buyer:
    street = home.street
    if home.language != "zh" and rng.random() < 0.12:
        street = typo(street, rng)
    end = home.short_end if rng.random() < 0.5 else home.end
    postcode = "" if rng.random() < 0.1 else home.postcode
    if home.language != "zh" and postcode and rng.random() < 0.02:
        postcode = postcode[:-1] + str((int(postcode[-1]) + 1) % 10 if postcode[-1].isdigit() else "X")
    city = typo(home.city, rng) if home.language != "zh" and rng.random() < 0.05 else home.city
    number = home.number if rng.random() < 0.97 else ""
    flat = home.flat if rng.random() < 0.85 else ""
    name = "" if rng.random() < 0.3 else typo(home.name, rng) if rng.random() < 0.1 else home.name
    listed = replace(home, street=street, end=end, number=number, flat=flat, postcode=postcode, city=city)
    return Buyer(name=name, address=_listed_address(listed, rng))


def _listed_address(home: Home, rng: np.random.Generator) -> str:
    street, end, number, flat, city = home.street, home.end, home.number, home.flat, home.city
    if home.language == "zh":
        region = city if rng.random() < 0.7 else city[3:]
        if flat and rng.random() < 0.5:
            flat = flat.replace("幢", "-").replace("单元", "-").replace("室", "")
        return f"{region}{street}{end}{number}{'号' if number else ''}{flat}"
    if home.language == "de":
        whole = f"{street.rstrip('-')}-{end.title()}" if street.endswith("-") else street + end
        whole = whole.upper() if rng.random() < 0.1 else whole
        if rng.random() < 0.2:
            number = number[:-1] + " " + number[-1] if number[-1:].isalpha() else number
        return f"{whole} {number}, {home.postcode} {city}".replace("ü", "ue" if rng.random() < 0.3 else "ü")
    before = bool(flat) and rng.random() < 0.5
    whole = f"Flat {flat}, {number} {street} {end}" if before else f"{number} {street} {end}"
    tail = f", Apt {flat}" if flat and not before else ""
    return f"{whole}{tail}, {city} {home.postcode}"


def typo(text: str, rng: np.random.Generator) -> str:
    """One letter dropped, doubled, changed, or two swapped."""
    at = int(rng.integers(1, max(2, len(text) - 1)))
    match int(rng.integers(4)):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + text[at] + text[at:] if at < len(text) else text
        case 2:
            return text[:at] + str(rng.choice(list(LETTERS))) + text[at + 1 :]
        case _:
            return text[: at - 1] + text[at : at + 1] + text[at - 1 : at] + text[at + 1 :]
