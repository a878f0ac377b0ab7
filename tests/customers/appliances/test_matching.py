"""Who bought it: sure only where nothing speaks against it."""

import numpy as np
import pytest

from customers.appliances.matching import Matcher, Verdict
from customers.appliances.nearby import Nearby, distance_m
from customers.appliances.parties import folded_number, likeness, parties_of
from customers.appliances.values import Buyer
from customers.contacts import Contact
from tests.customers.appliances.synthetic import contacts, homes, sold_to

HELD = [
    Contact("C-001", "Eva Brown", postal="Flat 3, 12 High Street\nLondon\nSW1A 1AA"),
    Contact("C-002", "Tom Evans", postal="14 High Street\nLondon\nSW1A 1AA"),
    Contact("C-003", "Ann Jones", postal="Gartenstraße 5\n40213 Düsseldorf"),
    Contact("C-004", "Jörg Weiß", postal="Gartenstraße 7\n40213 Düsseldorf"),
    Contact("C-005", "Rita Groß", postal="Gartenstraße 7\n40213 Düsseldorf"),
    Contact("C-006", "王伟", postal="浙江省杭州市西湖区文三路123号5幢2单元301室"),
    Contact("C-007", "李娜", postal="浙江省杭州市西湖区文二路123号5幢2单元301室"),
    Contact("C-008", "Ida Lang", postal="Lindenstraße 8a\n40213 Düsseldorf"),
    Contact("330101001", "Ola Berg"),
]
PLACES = {"C-001": (51.5, -0.1), "C-002": (51.50005, -0.1), "C-003": (51.2, 6.8)}


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher([one.customer for one in HELD], parties_of(HELD), PLACES)


def outcome(verdict: Verdict) -> tuple[str, str | None]:
    return verdict.outcome, verdict.customer or (
        verdict.candidates[0].customer if verdict.candidates else None
    )


@pytest.mark.parametrize(
    ("buyer", "expected"),
    [
        # by number
        (Buyer("c 001"), ("sure", "C-001")),
        (Buyer("330101001"), ("sure", "330101001")),
        (Buyer("0330101001"), ("sure", "330101001")),
        (Buyer("C-001", address="12 High St flat 3, London SW1A 1AA"), ("sure", "C-001")),
        (Buyer("C-001", address="14 High St, London SW1A 1AA"), ("doubtful", "C-001")),
        (Buyer("C-001", address="Flat 4, 12 High St, London SW1A 1AA"), ("doubtful", "C-001")),
        (Buyer("C-001", name="Zoe Quist"), ("doubtful", "C-001")),
        (Buyer("K-77"), ("none", None)),
        (Buyer("K-77", address="14 High St, London SW1A 1AA"), ("sure", "C-002")),
        # by address
        (Buyer(address="14 High St, London SW1A1AA"), ("sure", "C-002")),
        (Buyer(address="14 HIGH STREET, London"), ("sure", "C-002")),
        (Buyer(address="14 Hihg Street, London SW1A 1AA"), ("doubtful", "C-002")),
        (Buyer(address="14 Hihg Street, London SW1A 1AA", name="T. Evans"), ("sure", "C-002")),
        (Buyer(address="14 Hihg Street, London SW1A 1AA", name="Zoe Quist"), ("doubtful", "C-002")),
        (Buyer(address="14 High Street"), ("doubtful", "C-002")),
        (Buyer(address="14 High Street, London SW1A 1AB"), ("doubtful", "C-002")),
        (Buyer(address="14 High Street, Leeds"), ("none", None)),
        (Buyer(address="16 High Street, London SW1A 1AA"), ("none", None)),
        (Buyer(address="High Street, London SW1A 1AA"), ("none", None)),
        (Buyer(address="Gartenstr. 5, 40213 Duesseldorf"), ("sure", "C-003")),
        (Buyer(address="Gartenweg 5, 40213 Düsseldorf"), ("none", None)),
        # flats and suffixes
        (Buyer(address="12 High St, Flat 4, London SW1A 1AA"), ("none", None)),
        (Buyer(address="12 High St, Flat 4, London SW1A 1AA", name="E. Brown"), ("doubtful", "C-001")),
        (Buyer(address="12 High St, London SW1A 1AA"), ("doubtful", "C-001")),
        (Buyer(address="12 High St, London SW1A 1AA", name="Mrs Eva Brown"), ("sure", "C-001")),
        (Buyer(address="Lindenstr. 8, 40213 Düsseldorf"), ("none", None)),
        (Buyer(address="Lindenstr. 8, 40213 Düsseldorf", name="Ida Lang"), ("doubtful", "C-008")),
        # several in one house
        (Buyer(address="Gartenstr. 7, 40213 Düsseldorf"), ("doubtful", "C-004")),
        (Buyer(address="Gartenstr. 7, 40213 Düsseldorf", name="Weiss"), ("sure", "C-004")),
        (Buyer(address="Gartenstr. 7, 40213 Düsseldorf", name="Gross, Rita"), ("sure", "C-005")),
        # Chinese
        (Buyer(address="杭州市西湖区文三路123号5-2-301"), ("sure", "C-006")),
        (Buyer(address="杭州市西湖区文二路123号5-2-301"), ("sure", "C-007")),
        (Buyer(address="杭州市西湖区文三路123号5-2-302"), ("none", None)),
        (Buyer(address="杭州市西湖区文四路123号5-2-301"), ("none", None)),
        (Buyer(address="杭州市西湖区文三西路123号5-2-301"), ("doubtful", "C-006")),
        (Buyer(address="杭州市西湖区文三路123号"), ("doubtful", "C-006")),
        (Buyer(address="杭州市西湖区文三路123号", name="王伟先生"), ("sure", "C-006")),
        (Buyer(address="宁波市海曙区文三路123号5-2-301"), ("none", None)),
        # by coordinates
        (Buyer(latitude=51.2, longitude=6.8), ("sure", "C-003")),
        (Buyer(latitude=51.2001, longitude=6.8001), ("sure", "C-003")),
        (Buyer(latitude=51.201, longitude=6.8), ("none", None)),
        (Buyer(latitude=51.50003, longitude=-0.1), ("doubtful", "C-002")),
        (Buyer(latitude=51.50003, longitude=-0.1, name="Brown"), ("sure", "C-001")),
        (Buyer(address="14 High Street", latitude=51.50003, longitude=-0.1), ("sure", "C-002")),
        (Buyer(), ("none", None)),
    ],
)  # fmt: skip
def test_who_bought_it(matcher: Matcher, buyer: Buyer, expected: tuple[str, str | None]) -> None:
    assert outcome(matcher.match(buyer)) == expected


def test_a_street_that_is_known_there_is_no_typo() -> None:
    held = [
        Contact("C-1", "A", postal="Nordenstraße 5\n10115 Berlin"),
        Contact("C-2", "B", postal="Nordensstraße 9\n10115 Berlin"),
    ]
    matcher = Matcher(["C-1", "C-2"], parties_of(held))
    assert outcome(matcher.match(Buyer(address="Nordensstr. 5, 10115 Berlin"))) == ("doubtful", "C-1")
    assert outcome(matcher.match(Buyer(name="A", address="Nordanstr. 5, 10115 Berlin"))) == ("sure", "C-1")


def test_a_town_that_is_known_is_no_typo_and_numbered_streets_are_apart() -> None:
    held = [
        Contact("C-1", "A", postal="Feldweg 5\n10115 Neundorf"),
        Contact("C-2", "B", postal="Markt 9\n20115 Neuendorf"),
        Contact("C-3", "C", postal="7 115th Street\nNew York, NY 10026"),
    ]
    matcher = Matcher([], parties_of(held))
    assert outcome(matcher.match(Buyer(address="Feldweg 5, Neuendorf"))) == ("none", None)
    assert outcome(matcher.match(Buyer(address="Feldweg 5, Neunndorf"))) == ("doubtful", "C-1")
    assert outcome(matcher.match(Buyer(name="A", address="Feldweg 5, Neunndorf"))) == ("sure", "C-1")
    assert outcome(matcher.match(Buyer(address="7 115th St, New York, NY 10026"))) == ("sure", "C-3")
    assert outcome(matcher.match(Buyer(address="7 116th St, New York, NY 10026"))) == ("none", None)


def test_numbers_that_are_alike_after_folding_are_told_apart_or_doubted() -> None:
    matcher = Matcher(["C-1", "C1", "C-01"], [])
    assert outcome(matcher.match(Buyer("C-1"))) == ("sure", "C-1")
    assert outcome(matcher.match(Buyer("c 1")))[0] == "doubtful"
    assert folded_number("Ｃ－０1") == "c1"


def test_at_most_three_are_shown_and_the_others_counted() -> None:
    held = [Contact(f"C-{n}", f"N{n}", postal="Weg 1\n10115 Berlin") for n in range(5)]
    verdict = Matcher([], parties_of(held)).match(Buyer(address="Weg 1, 10115 Berlin"))
    assert verdict.who == ("C-0", "C-1", "C-2")
    assert verdict.why == "5 customers in this house; 2 more are as near"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("", "x", None),
        ("张*", "张伟", None),
        ("张", "张伟", None),
        ("张伟", "张伟", 100.0),
        ("张伟", "张强", 0.0),
        ("lars hoffmann", "clara hoffmann", 70.0),
        ("tom evans", "eva schmidt", 30.0),
        ("hoffmann", "clara hoffmann", 100.0),
        ("e brown", "eva brown", 100.0),
    ],
)
def test_likeness(one: str, other: str, alike: float | None) -> None:
    assert likeness(one, other) == alike


def test_distances_and_the_grid_agree() -> None:
    assert distance_m((52.0, 13.0), (53.0, 13.0)) == pytest.approx(111_195, rel=1e-4)
    assert distance_m((0.0, 179.9999), (0.0, -179.9999)) == pytest.approx(22.24, rel=1e-3)
    rng = np.random.default_rng(5)
    places = {f"P{n}": (float(rng.uniform(60, 60.01)), float(rng.uniform(179.99, 180.0))) for n in range(300)}
    nearby = Nearby(places, 80.0)
    for _ in range(50):
        here = (float(rng.uniform(60, 60.01)), float(rng.uniform(179.99, 180.0)))
        plain = sorted((distance_m(here, place), name) for name, place in places.items())
        assert nearby.find(here) == [one for one in plain if one[0] <= 80.0]


def test_the_figures_on_made_up_streets() -> None:
    """1,500 buyers, a fifth of them nobody's, with typos, missing parts and neighbours' numbers."""
    rng = np.random.default_rng(11)
    living = homes(2500, rng)
    held, buyers = contacts(living), sold_to(living, 1500, rng)
    matcher = Matcher([one.customer for one in held], parties_of(held))
    verdicts = [(matcher.match(one.buyer), one.customer) for one in buyers]
    sure = [(v.customer, true) for v, true in verdicts if v.outcome == "sure"]
    wrong = sum(found != true for found, true in sure)
    customers = sum(true is not None for _, true in verdicts)
    seen = sum(true in v.who for v, true in verdicts if v.outcome == "doubtful")
    doubtful = sum(v.outcome == "doubtful" for v, _ in verdicts)
    assert wrong / len(sure) < 0.002
    assert (len(sure) - wrong) / customers > 0.81
    assert (len(sure) - wrong + seen) / customers > 0.91
    assert doubtful / len(verdicts) < 0.13


def of(*held: tuple[str, str, str], places: dict[str, tuple[float, float]] | None = None) -> Matcher:
    """Id, name and address of each."""
    people = [Contact(customer, name, postal=postal or None) for customer, name, postal in held]
    return Matcher([one.customer for one in people], parties_of(people), places)


ONE = ("1", "Eva Schmidt", "Hauptstr. 12, 50667 Köln")
NEAR = {"1": (50.0001, 7.0)}


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        ("Karl Meyer", "Hauptstr. 14, 50667 Köln", ("none", None)),
        ("", "Ringstr. 3, 80331 München", ("none", None)),
        ("", "Ringstr., 80331 München", ("none", None)),
        ("", "Hauptstr. 12, 80331 München", ("none", None)),
        ("Karl Meyer", "", ("doubtful", "1")),
        ("", "Hauptstr., Köln", ("sure", "1")),
        ("Schmidt", "Hauptstr. 12", ("sure", "1")),
    ],
)
def test_coordinates_say_nothing_against_an_address_and_a_name(
    name: str, address: str, expected: tuple[str, str | None]
) -> None:
    buyer = Buyer("", name, address, 50.0, 7.0)
    assert outcome(of(ONE, places=NEAR).match(buyer)) == expected


def test_coordinates_do_not_choose_among_the_customers_of_one_house() -> None:
    house = "Hauptstr. 12, 50667 Köln"
    held = [
        (str(n), f"{first} Meyer", house) for n, first in enumerate(("Ada", "Bob", "Cleo", "Dan", "Eve"), 1)
    ]
    places = {"5": (50.0, 7.0), "1": (50.0002, 7.0), "2": (51.0, 7.0)}
    matcher = of(*held, places=places)
    assert matcher.match(Buyer("", "", house, 50.0, 7.0)).outcome == "doubtful"
    flat = of(("1", "Karl Meyer", "Hauptstr. 12, Whg 3, 50667 Köln"), places=NEAR)
    other = Buyer("", "Karl Meyer", "Hauptstr. 12, Whg 5, 50667 Köln", 50.0, 7.0)
    assert outcome(flat.match(other)) == ("doubtful", "1")


@pytest.mark.parametrize(
    ("number", "address", "expected"),
    [
        ("1", "Hauptstr. 12, 80331 München", ("doubtful", "1")),
        ("1", "Hauptstr. 12, 50667 Köln", ("sure", "1")),
        ("2", "Hauptstr. 12, 50667 Köln", ("doubtful", "2")),  # of which nothing else is held
        ("1-23", "", ("none", None)),
        ("1 23", "", ("sure", "123")),
    ],
)
def test_a_number_does_not_count_against_an_address(
    number: str, address: str, expected: tuple[str, str | None]
) -> None:
    verdict = of(ONE, ("2", "", ""), ("123", "", "")).match(Buyer(number, "", address))
    assert outcome(verdict) == expected
    if number == "2":
        assert verdict.who == ("2", "1")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("Hauptstr. 12, 15230 Frankfurt (Oder)", "Hauptstr. 12, Frankfurt"),
        ("Hauptstr. 5, 67433 Neustadt an der Weinstraße", "Hauptstr. 5, Neustadt"),
        ("12 High St, New York", "12 High St, York"),
        ("南京市鼓楼区中山路100号301室", "鼓楼区中山路100号301室"),
        ("鼓楼区中山路100号301室", "福州市鼓楼区中山路100号301室"),
    ],
)
def test_a_town_that_is_a_part_of_anothers_name_is_not_sure(held: str, said: str) -> None:
    assert outcome(of(("1", "", held)).match(Buyer(address=said))) == ("doubtful", "1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("成都市武侯区科华路12号附2号", "成都市武侯区科华路12号附3号"),
        ("北京市朝阳区建国路5号2单元5楼东户", "北京市朝阳区建国路5号2单元5楼西户"),
        ("广州市天河区中山路12号3楼A室", "广州市天河区中山路12号3楼B室"),
        ("广州市天河区中山路12号之二", "广州市天河区中山路12号"),
        ("上海市静安区南京西路500弄12号301室", "上海市静安区南京西路500弄12号乙301室"),
        ("武汉市武昌区中山路12号1栋A单元301", "武汉市武昌区中山路12号1栋B单元301"),
        ("武汉市武昌区中山路12号东区1栋301", "武汉市武昌区中山路12号西区1栋301"),
        ("Ground Floor Flat, 12 High St, Leeds LS1 4AP", "First Floor Flat, 12 High St, Leeds LS1 4AP"),
        ("Block B, Flat 3, 12 High St, Leeds LS1 4AP", "Block C, Flat 3, 12 High St, Leeds LS1 4AP"),
        ("Upper Flat, 12 High St, Leeds LS1 4AP", "12 High St, Leeds LS1 4AP"),
        ("Hauptstr. 12 Hinterhaus, 10115 Berlin", "Hauptstr. 12 Vorderhaus, 10115 Berlin"),
        ("Hauptstr. 12, Hinterhaus, 10115 Berlin", "Hauptstr. 12, Vorderhaus, 10115 Berlin"),
        ("Hauptstr. 12 Hinterhaus 2. OG, 10115 Berlin", "Hauptstr. 12 2. OG, 10115 Berlin"),
        ("Hauptstr. 12 Rückgebäude, 80331 München", "Hauptstr. 12, 80331 München"),
        ("Hauptstr. 12 Hofseite, 80331 München", "Hauptstr. 12, 80331 München"),
        ("Hauptstr. 12, DG, 10115 Berlin", "Hauptstr. 12, UG, 10115 Berlin"),
        ("Hauptstr. 12, EG links, 10115 Berlin", "Hauptstr. 12, EG rechts, 10115 Berlin"),
        ("Hauptstr. 12 Aufgang A, 10115 Berlin", "Hauptstr. 12 Aufgang B, 10115 Berlin"),
        ("Hauptstr. 12 Haus 2, 10115 Berlin", "Hauptstr. 12 Haus 3, 10115 Berlin"),
        ("Hauptstr. 12 1/2, 50667 Köln", "Hauptstr. 12, 50667 Köln"),
        ("Hauptstr. 12½, 50667 Köln", "Hauptstr. 12, 50667 Köln"),
        ("Linzer Str. 12/5 Top 7, 1140 Wien", "Linzer Str. 12/6 Top 7, 1140 Wien"),
        ("C 4, 12, 68159 Mannheim", "C 4, 14, 68159 Mannheim"),
    ],
)
def test_another_flat_is_never_sure_whatever_way_it_is_told(one: str, other: str) -> None:
    for held, said in ((one, other), (other, one)):
        assert of(("1", "", held)).match(Buyer(address=said)).outcome != "sure"
        assert of(("1", "", held)).match(Buyer(address=held)).customer == "1", "the same words are the same"


def test_another_name_at_the_address_is_not_sure_and_a_typo_needs_a_name_that_fits() -> None:
    matcher = of(ONE)
    assert outcome(matcher.match(Buyer(name="Tom Evans", address=ONE[2]))) == ("doubtful", "1")
    typo = "Hautpstr. 12, 50667 Köln"
    assert outcome(matcher.match(Buyer(address=typo))) == ("doubtful", "1")
    assert outcome(matcher.match(Buyer(name="E. Schmidt", address=typo))) == ("sure", "1")
