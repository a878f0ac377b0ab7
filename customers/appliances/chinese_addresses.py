"""Chinese addresses: from the province down to the room. Pure.

`浙江省杭州市西湖区文三路123号5幢2单元301室`: region, road, 号 (in Shanghai 弄 and 号), building, entrance and
room, which some write `5-2-301`. A community's name between number and building is part of neither; whatever
else stands there (东区, 东户) belongs to the flat, so that what is not understood keeps two flats apart.
Roads differ by one character (文一路, 文二路), so nothing here forgives a wrong one.
"""

import re
import unicodedata

from customers.appliances.address_parts import Address

_HAN = re.compile(r"[\u4e00-\u9fff]")
_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_COUNTED = re.compile(r"([零〇一二两三四五六七八九十百]+)(?=(?:号楼|号|弄|幢|栋|座|单元|室|层))")
_REGION = re.compile(
    r"(?P<province>[^省市区县路街号\d]{2,8}?(?:省|自治区|特别行政区))?"
    r"(?P<city>[^市区县路街号\d]{1,8}?(?:市|自治州|地区|盟))?"
    r"(?P<county>[^市区县路街号\d]{1,6}?市)?"
    r"(?P<district>[^区县路街号\d]{1,8}?(?:(?<!小)区|县|旗))?"
    r"(?P<town>[^镇乡路号\d]{1,8}?(?:街道|镇|乡))?"
)
_LANE = re.compile(r"(\d+)弄")
_HOUSE = re.compile(
    r"([甲乙丙丁]?\d+(?:-\d+)?(?:[甲乙丙丁]|[附之]\d+)?)号(?!楼)([附之]\d+(?:号(?!楼))?|[甲乙丙丁](?=\d|$))?"
)
_AFTER = re.compile(r"之([一二三四五六七八九十]+)号?")
_COMMUNITY = re.compile(
    r"^院|[^\da-z\-东西南北中前后左右上下内外一二三四五六七八九十甲乙丙丁期区单元室房户层]{2,10}"
    r"(?:小区|社区|花园|花苑|家园|公寓|大厦|新村|广场|名苑|公馆|苑|园|城|庭|府|村|院|居|湾)(?=[\da-z]|$)"
)
_BUILDING = re.compile(r"(\d+|[a-z])(?:号楼|幢|栋|座|楼)")
_ENTRANCE = re.compile(r"(\d+|[a-z])(?:单元|门)")
_ROOM = re.compile(r"(\d+[a-z]?|[a-z]\d*)(?:(?:室|房|户)(?=[^\da-z]*$)|$)")
_TRIPLE = re.compile(r"([0-9a-z]+(?:-[0-9a-z]+)+)(?:室|房|户)?$")
_POSTCODE = re.compile(r"(?<!\d)(\d{6})(?!\d)")
_ROAD = re.compile(r".*?(?:大道|大街|公路|路|街|道|巷|胡同|里)")


def is_chinese(text: str) -> bool:
    """Whether it is read here."""
    return len(_HAN.findall(unicodedata.normalize("NFKC", text))) >= 2


def read(text: str) -> Address:
    """The parts; an empty street where there is none."""
    plain = _folded(text)
    postcode = ""
    found = _POSTCODE.match(plain) or _POSTCODE.search(plain, max(0, len(plain) - 6))
    if found is not None:
        postcode, plain = found[1], plain[: found.start()] + plain[found.end() :]
    region = _REGION.match(plain)
    city = "" if region is None else region[0]
    rest = plain[len(city) :]
    street, number, inside = _street(rest)
    return Address(
        chinese=True,
        postcode=postcode,
        city=city,
        street=street,
        number=number,
        unit=_unit(inside),
    )


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("中国", "", 1)
    plain = re.sub(r"[－—–~〜]", "-", plain)
    plain = "".join(c for c in plain if c.isalnum() or c == "-")
    plain = _AFTER.sub(lambda found: f"之{_value(found[1])}号", plain)
    return _COUNTED.sub(lambda found: str(_value(found[1])), plain)


def _value(digits: str) -> int:
    """二十三 → 23, 一百零五 → 105, 三〇一 → 301."""
    if not any(c in "十百" for c in digits):
        return int("".join(str(_DIGITS[c]) for c in digits))
    total = last = 0
    for c in digits:
        if c in "十百":
            total += (last or 1) * (10 if c == "十" else 100)
            last = 0
        else:
            last = _DIGITS[c]
    return total + last


def _street(rest: str) -> tuple[str, str, str]:
    """Road, number, and what is behind the number."""
    house = _HOUSE.search(rest)
    if house is not None:
        number, behind = f"{house[1]}{(house[2] or '').removesuffix('号')}", rest[house.end() :]
        lane = _LANE.search(rest, 0, house.start())
        if lane is not None:
            return rest[: lane.start()], f"{lane[1]}弄{number}", behind
        return rest[: house.start()], number, behind
    building = _BUILDING.search(rest)
    if building is not None:
        return rest[: building.start()], "", rest[building.start() :]
    room = re.search(r"[0-9]+[a-z]?室$", rest)
    if room is not None:
        return rest[: room.start()], "", room[0]
    road = _ROAD.match(rest)
    behind = "" if road is None else rest[road.end() :]
    plain = re.match(r"(\d+)(?:-|$)", behind)
    if road is not None and plain is not None:  # 文三路123-5-2-301
        return road[0], plain[1], behind[plain.end() :]
    return rest, "", ""


def _unit(inside: str) -> str:
    """Building, entrance and room with hyphens; what is not said is left out, what nobody knows leads."""
    inside = _COMMUNITY.sub("", inside)
    triple = _TRIPLE.search(inside)
    if triple is not None and not re.search(r"单元|幢|栋|座|号楼", inside):
        return _joined(inside[: triple.start()], triple[1])
    building, entrance = _BUILDING.search(inside), _ENTRANCE.search(inside)
    end = max((one.end() for one in (building, entrance) if one is not None), default=0)
    room = _ROOM.search(inside, end)
    read = [one for one in (building, entrance, room) if one is not None]
    left = inside
    for one in sorted(read, key=lambda one: -one.start()):
        left = left[: one.start()] + left[one.end() :]
    return _joined(left, *(one[1] for one in read))


def _joined(left: str, *parts: str) -> str:
    plain = re.sub(r"(?:室|房|户)$", "", left.strip("-")).strip("-")
    return "-".join(filter(None, (plain, *parts)))
