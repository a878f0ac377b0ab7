"""What is doubtful waits for a person, whose decision counts from then on; nothing is lost on the way."""

import csv
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.appliances.importing import Importer
from customers.appliances.matching import Matcher
from customers.appliances.memory import Fingerprints, Memory, Waiting, load_memory, save_memory
from customers.appliances.merging import Register
from customers.appliances.parties import parties_of
from customers.appliances.review_list import (
    COLUMNS,
    TWINS,
    Applied,
    apply_decisions,
    read_decisions,
    review_rows,
)
from customers.appliances.sales_list import SalesList
from customers.appliances.twins import twins
from customers.appliances.values import Appliance, Buyer, Sale
from customers.contacts import Contact
from customers.errors import RegistryRejected

DAY = date(2025, 1, 14)
HELD = [
    Contact("C-1", "Ann Ash", postal="Weg 7\n10115 Berlin"),
    Contact("C-2", "Bob Birch", postal="Weg 7\n10115 Berlin"),
    Contact("C-3", "Cleo Cedar", postal="Weg 9\n10115 Berlin"),
    Contact("C-9", "Cleo Cedar", postal="Weg 9\n10115 Berlin"),
]
SUPPLIED = {"C-1": "load:1", "C-2": "load:2", "C-3": "load:3"}
TWO = Buyer(address="Weg 7, 10115 Berlin")
THREE = Buyer(customer="C-3")
STRANGER = Buyer(address="Weg 8, 10115 Berlin")


def sale(buyer: Buyer, kind: str = "boiler", kw: float = 2.0, count: int = 1, row: int = 2) -> Sale:
    return Sale("list", row, buyer, kind, kw, DAY, count)


def sold(*sales: Sale, name: str = "list") -> SalesList:
    return SalesList(name, (), tuple(replace(one, list_name=name) for one in sales), (), {})


class Site:
    """Memory and registry from one import to the next."""

    def __init__(self) -> None:
        self.memory, self.register = Memory(), Register()
        self.matcher = Matcher(SUPPLIED, parties_of(HELD))

    def take(self, *lists: SalesList) -> Importer:
        importer = Importer(self.matcher.match, Fingerprints(b"key"), self.memory, self.register, SUPPLIED)
        for one in lists:
            importer.take(one)
        return importer

    def decide(self, folder: Path, importer: Importer, *filled: tuple[str, str]) -> Applied:
        """Fill in decision and other_customer of the lines, in their order."""
        path = folder / "review.csv"
        rows = review_rows(
            importer.done.doubts, self.proposals(importer), {one.customer: one for one in HELD}
        )
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([*fill, *row[2:]] for fill, row in zip(filled, rows, strict=True))
        return apply_decisions("review.csv", read_decisions(path), self.memory, self.register, SUPPLIED)

    def proposals(self, importer: Importer) -> list[tuple[str, tuple[str, str]]]:
        pairs = list(twins(parties_of(HELD), importer.done.concerned, SUPPLIED, self.memory.apart))
        for pair in pairs:
            self.memory.waiting[f"c-{pair}"] = Waiting("", (), "", TWINS, 0.0, None, pair)
        return [(f"c-{pair}", pair) for pair in pairs]

    def owned(self) -> list[tuple[str, str, float]]:
        return [(one.customer, one.kind, one.rated_kw) for one in self.appliances()]

    def appliances(self) -> list[Appliance]:
        return self.register.appliances(SUPPLIED, self.memory.resolved())


def test_every_unit_ends_in_one_counted_way() -> None:
    site = Site()
    site.memory.decided[Fingerprints(b"key").buyer(Buyer(name="x", address="Weg 5"))] = ""
    done = site.take(
        sold(
            sale(THREE, count=3),
            sale(TWO),
            sale(STRANGER),
            sale(Buyer("C-9")),
            sale(Buyer(name="X", address="Weg 5")),
        )
    ).done
    assert +done.units == {"matched": 3, "doubtful": 1, "nobody": 1, "not_supplied": 1, "refused": 1}
    assert done.ways == {"customer number": 3}
    assert site.owned() == [("C-3", "boiler", 2.0)] * 3


def test_the_same_list_again_changes_nothing() -> None:
    site = Site()
    one = sold(sale(THREE), sale(THREE, row=3), sale(TWO))
    site.take(one)
    before, waiting = site.appliances(), dict(site.memory.waiting)
    done = site.take(one).done
    assert (done.units["known"], done.units["matched"], done.units["doubtful"]) == (2, 0, 1)
    assert (site.appliances(), site.memory.waiting) == (before, waiting)
    assert len(before) == 2, "two rows that are alike are two things"


@given(st.permutations(range(6)), st.permutations(range(3)))
@profile(max_examples=25, deadline=None)
def test_order_of_rows_and_lists_makes_no_difference(rows: list[int], order: list[int]) -> None:
    sales = [
        sale(THREE),
        sale(THREE),
        sale(THREE, "heat_pump", 3.0),
        sale(TWO),
        sale(STRANGER),
        sale(THREE, kw=2.1),
    ]

    def owned(rows: Iterable[int], order: Iterable[int]) -> list[Appliance]:
        site = Site()
        lists = [sold(*(sales[n] for n in rows), name=f"list {k}") for k in range(3)]
        for n in order:
            site.take(lists[n])
        return site.appliances()

    assert owned(rows, order) == owned(range(6), range(3))


@pytest.mark.parametrize(
    ("filled", "customer"),
    [
        (("yes", ""), "C-1"),
        (("1", ""), "C-1"),
        (("2", ""), "C-2"),
        (("", "C-3"), "C-3"),
        (("是", ""), "C-1"),
    ],
)
def test_a_decision_is_taken_and_remembered(tmp_path: Path, filled: tuple[str, str], customer: str) -> None:
    site = Site()
    doubtful = sold(sale(TWO), sale(TWO, "heat_pump", 3.0))
    importer = site.take(doubtful)
    applied = site.decide(tmp_path, importer, filled, ("", ""))
    assert (applied.accepted, applied.units) == (1, 2), "it is the same buyer"
    assert site.owned() == [(customer, "boiler", 2.0), (customer, "heat_pump", 3.0)]
    assert site.memory.waiting == {}
    done = site.take(doubtful).done
    assert (done.units["known"], done.doubts) == (2, [])
    done = site.take(sold(sale(TWO, "air_conditioner"), name="next")).done
    assert done.ways == {"decided by a person": 1}


def test_a_refusal_is_remembered(tmp_path: Path) -> None:
    site = Site()
    importer = site.take(sold(sale(TWO)))
    assert site.decide(tmp_path, importer, ("no", "")).refused == 1
    assert site.owned() == []
    done = site.take(sold(sale(TWO))).done
    assert (+done.units, done.doubts) == ({"refused": 1}, [])


@pytest.mark.parametrize(
    ("filled", "why"),
    [
        (("maybe", ""), "expected yes, 2, 3 or no"),
        (("3", ""), "expected yes, 2, 3 or no"),
        (("", "C-9"), "expected a customer who is supplied here"),
        (("yes", "C-3"), "expected yes, 2, 3 or no"),
    ],
)
def test_a_wrong_decision_changes_nothing(tmp_path: Path, filled: tuple[str, str], why: str) -> None:
    site = Site()
    importer = site.take(sold(sale(TWO)))
    with pytest.raises(RegistryRejected, match=why):
        site.decide(tmp_path, importer, filled)
    assert len(site.memory.waiting) == 1
    assert site.owned() == []


def test_two_decisions_about_one_buyer_must_agree(tmp_path: Path) -> None:
    site = Site()
    importer = site.take(sold(sale(TWO), sale(TWO, "heat_pump", 3.0)))
    with pytest.raises(RegistryRejected, match="the same decision as in row 2"):
        site.decide(tmp_path, importer, ("yes", ""), ("no", ""))


def test_two_ids_of_one_customer_are_proposed_and_merged_when_a_person_says_so(tmp_path: Path) -> None:
    site = Site()
    importer = site.take(sold(sale(THREE), name="a"), sold(sale(Buyer("C-9")), name="b"))
    assert importer.done.units["not_supplied"] == 1
    assert site.decide(tmp_path, importer, ("yes", "")).accepted == 1
    assert site.memory.resolved() == {"C-9": "C-3"}
    site.take(sold(sale(Buyer("C-9")), name="b"))
    (one,) = site.appliances()
    assert (one.customer, len(one.sources)) == ("C-3", 2)


def test_two_ids_that_are_two_customers_are_not_proposed_again(tmp_path: Path) -> None:
    site = Site()
    importer = site.take(sold(sale(THREE)))
    site.decide(tmp_path, importer, ("no", ""))
    assert site.proposals(site.take(sold(sale(THREE)))) == []
    assert site.proposals(Site().take(sold(sale(Buyer("C-1"))))) == [], "only who is concerned"


def test_ids_that_name_each_other_end() -> None:
    assert Memory(same_as={"a": "b", "b": "c"}).resolved() == {"a": "c", "b": "c"}
    assert set(Memory(same_as={"a": "b", "b": "a"}).resolved()) == {"a", "b"}


def test_a_list_that_excel_saved_is_read_as_well(tmp_path: Path) -> None:
    site = Site()
    importer = site.take(sold(sale(TWO)))
    (row,) = review_rows(importer.done.doubts, [], {one.customer: one for one in HELD})
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    book.active.append([2, None, *row[2:]])
    book.save(tmp_path / "review.xlsx")
    decisions = read_decisions(tmp_path / "review.xlsx")
    apply_decisions("x", decisions, site.memory, site.register, SUPPLIED)
    assert site.owned() == [("C-2", "boiler", 2.0)]
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RegistryRejected, match="a review list with decision, other_customer, line"):
        read_decisions(tmp_path / "other.csv")


def test_the_memory_holds_nobodys_name_or_address_and_is_read_as_it_was_written(tmp_path: Path) -> None:
    site = Site()
    site.take(sold(sale(replace(TWO, name="Zaphira Quellwasser")), sale(TWO, count=2)))
    site.memory.same_as["a"], site.memory.apart = "b", {("c", "d")}
    path = tmp_path / "deep" / "memory.json"
    save_memory(path, site.memory)
    text = path.read_text(encoding="utf-8").casefold()
    assert "quellwasser" not in text
    assert "berlin" not in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_memory(path) == site.memory
    assert [one.name for one in path.parent.iterdir()] == ["memory.json"]
    assert load_memory(tmp_path / "none.json") == Memory()
    for wrong in ("{", "[]", '{"version": 9}', '{"version": 1}', "null"):
        path.write_text(wrong)
        with pytest.raises(RegistryRejected, match="expected what `gridward appliances` wrote"):
            load_memory(path)


def test_who_a_buyer_is_cannot_be_told_without_the_key() -> None:
    one, other = Fingerprints(b"one"), Fingerprints(b"other")
    assert one.buyer(TWO) == one.buyer(Buyer(address="WEG 7\n10115 Berlin"))
    assert one.buyer(TWO) != other.buyer(TWO)
    assert one.buyer(TWO) != one.buyer(replace(TWO, name="Ann"))


def test_an_id_that_is_not_supplied_cannot_be_the_one_that_counts(tmp_path: Path) -> None:
    site = Site()
    importer = site.take(sold(sale(THREE)))
    with pytest.raises(RegistryRejected, match="a customer who is supplied here"):
        site.decide(tmp_path, importer, ("2", ""))
    assert site.owned() == [("C-3", "boiler", 2.0)]


def test_what_is_typed_into_a_decision_is_not_printed(tmp_path: Path) -> None:
    site = Site()
    importer = site.take(sold(sale(TWO), sale(STRANGER)))
    for filled in (("Eva Canary", ""), ("", "Eva Canary")):
        with pytest.raises(RegistryRejected) as rejected:
            site.decide(tmp_path, importer, filled)
        assert "canary" not in str(rejected.value).casefold()


def test_two_writers_in_one_folder_have_files_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    (tmp_path / f".memory.json.{os.getpid()}").symlink_to(tmp_path / "elsewhere")
    save_memory(path, Memory())
    assert not (tmp_path / "elsewhere").exists(), "what lies there is not followed"
    assert load_memory(path) == Memory()
