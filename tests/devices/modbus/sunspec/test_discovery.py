"""How a unit's models are found, and that no answer makes the search endless."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.errors import CommandRejected, MalformedMessage
from devices.modbus.dialogue import Operation, Read, Registers, UnitException
from devices.modbus.sunspec import SunSpecSettings, SunSpecUnit
from devices.modbus.sunspec.discovery import MARK, MOST_MODELS, FoundModel, find_models
from simulations.sunspec_units import VirtualInverter
from tests.devices.modbus.sunspec.talking import Answer, HandClock, answers_of, talk

MOST_ASKED = 3 + 2 * MOST_MODELS + 2


def memory(base: int, *words: int) -> Answer:
    """A unit that holds these registers from `base`, and answers others as illegal addresses."""

    def answer(operation: Operation) -> Registers:
        assert isinstance(operation, Read)
        first = operation.address - base
        if first < 0 or first + operation.count > len(words):
            raise UnitException(2)
        return words[first : first + operation.count]

    return answer


@pytest.mark.parametrize("base", [40000, 0, 50000])
def test_unknown_models_are_stepped_over(base: int) -> None:
    answer = memory(base, *MARK, 1, 1, 0, 64999, 2, 0, 0, 103, 0, 0xFFFF, 0)
    models, _ = talk(find_models(), answer)
    assert [(m.id, m.address - base, m.length) for m in models] == [(1, 2, 1), (64999, 5, 2), (103, 9, 0)]


def test_an_end_without_a_length_is_an_end() -> None:
    models, asked = talk(find_models(), memory(40000, *MARK, 1, 0, 0xFFFF))
    assert [model.id for model in models] == [1]
    assert asked[-1] == Read("holding", 40004, 1)


def test_the_last_register_of_all_may_end_the_chain() -> None:
    model_at = 50002
    length = 0xFFFF - model_at - 2
    models, asked = talk(find_models(), memory(50000, *MARK, 1, length, *[0] * length, 0xFFFF))
    assert len(models) == 1
    assert all(operation.address + operation.count <= 0x10000 for operation in asked)
    assert asked[-1] == Read("holding", 0xFFFF, 1)


def test_a_model_too_long_for_one_read_takes_two_and_cuts_no_point() -> None:
    der = VirtualInverter(HandClock(), 10.0, "der")
    model = FoundModel(701, der.image.model(701).address, 153)
    values, asked = talk(model.read("W", "TotWhInj", "MnAlrmInfo"), answers_of(der))
    at = model.address
    assert asked == [Read("holding", at, 121), Read("holding", at + 123, 32)]
    assert values.text("MnAlrmInfo") is None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (memory(30000), "no SunSpec mark"),
        (memory(40000, 0x5375, 0x6E54, 1, 0, 0xFFFF, 0), "no SunSpec mark"),
        (memory(40000, *MARK, 1, 0), "registers 40004 to 40004: the unit answers exception 2"),
        (memory(40000, *MARK, 1, 0, 103), "model 103 at 40004 has no length"),
        (memory(40000, *MARK, 1, 30000), "no end"),
        (memory(40000, *MARK, 0, 0, 0, 0), "no end: model 0"),
        (memory(40000, *MARK, *[7, 0] * (MOST_MODELS + 1)), "no end"),
        (memory(40000, *MARK, 1, 1, 0, 103, 50, *[0] * 50), "registers 40057 to 40057"),
    ],
)
def test_a_chain_that_cannot_be_is_malformed(answer: Answer, told: str) -> None:
    with pytest.raises(MalformedMessage, match=told):
        talk(find_models(), answer, MOST_ASKED)


def test_an_answer_of_another_size_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="3 answered"):
        talk(find_models(), lambda operation: (*MARK, 1) if operation.address != 40000 else MARK)


WORDS = st.one_of(
    st.integers(0, 0xFFFF), st.sampled_from([0, 1, 50, 66, 103, 123, 203, 701, 704, 0x8000, 0xFFFF])
)


@given(data=st.data(), role=st.sampled_from(["meter", "inverter", "battery"]))
@settings(max_examples=120, deadline=None)
def test_no_answers_break_a_unit_or_keep_it_asking(data: st.DataObject, role: str) -> None:
    """Any words, any exceptions, answers cut short: a result, or one of this room's errors, within bounds."""
    random = data.draw(st.randoms(use_true_random=False))
    words = data.draw(st.lists(WORDS, min_size=8, max_size=40))
    mischief = data.draw(st.sampled_from([0.0, 0.0, 0.05]))

    def answer(operation: Operation) -> Registers:
        if not isinstance(operation, Read):
            return ()
        if random.random() < mischief:
            raise UnitException(random.choice([1, 2, 4, 6, 11]))
        if operation.address == 40000:
            return MARK
        return tuple(words[(operation.address + at) % len(words)] for at in range(operation.count))

    unit = SunSpecUnit(SunSpecSettings(role, rated_kw=10.0, charge_kw=10.0))
    for dialogue in (unit.identify, unit.poll, lambda: unit.limit(4.2, "production", 60.0), unit.release):
        try:
            talk(dialogue(), answer, MOST_ASKED + 40)
        except (MalformedMessage, CommandRejected):
            continue
