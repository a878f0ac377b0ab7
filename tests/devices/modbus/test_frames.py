"""Our frames against the library's, and any bytes against ours."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse, WriteMultipleCoilsResponse, WriteSingleCoilResponse
from pymodbus.pdu.exceptionresponse import ExceptionResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterResponse,
)

from devices.errors import MalformedMessage
from devices.modbus.dialogue import Operation, Read, UnitException, Write
from devices.modbus.frames import Frame, read_answer, read_frame, request_frame

WORD = st.integers(0, 0xFFFF)
READS = st.builds(Read, st.sampled_from(["holding", "input", "coil", "discrete"]), WORD, st.integers(1, 125))
WRITES = st.builds(
    Write, WORD, st.lists(WORD, min_size=1, max_size=100).map(tuple), st.just("holding"), st.booleans()
)
COILS = st.builds(
    Write,
    WORD,
    st.lists(st.integers(0, 1), min_size=1, max_size=40).map(tuple),
    st.just("coil"),
    st.booleans(),
)


@given(transaction=WORD, unit=st.integers(1, 255), operation=st.one_of(READS, WRITES, COILS))
def test_the_library_reads_what_we_ask(transaction: int, unit: int, operation: Operation) -> None:
    frame = request_frame(transaction, unit, operation)
    used, pdu = FramerSocket(DecodePDU(is_server=True)).handleFrame(frame, 0, 0)
    assert used == len(frame)
    assert pdu is not None
    assert (pdu.transaction_id, pdu.dev_id, pdu.address) == (transaction, unit, operation.address)
    if isinstance(operation, Read):
        assert pdu.count == operation.count
    elif operation.table == "holding":
        assert tuple(pdu.registers) == operation.values
    else:
        assert tuple(pdu.bits[: len(operation.values)]) == tuple(map(bool, operation.values))


@pytest.mark.parametrize(
    ("operation", "said", "registers"),
    [
        (Read("holding", 5, 2), ReadHoldingRegistersResponse(registers=[1, 65535]), (1, 65535)),
        (Read("input", 5, 1), ReadInputRegistersResponse(registers=[7]), (7,)),
        (Read("coil", 5, 3), ReadCoilsResponse(bits=[True, False, True]), (1, 0, 1)),
        (Write(9, (3,)), WriteSingleRegisterResponse(address=9, registers=[3]), ()),
        (Write(9, (3,), as_block=True), WriteMultipleRegistersResponse(address=9, count=1), ()),
        (Write(9, (3, 4)), WriteMultipleRegistersResponse(address=9, count=2), ()),
        (Write(9, (1,), "coil"), WriteSingleCoilResponse(address=9, bits=[True]), ()),
        (Write(9, (1, 0), "coil"), WriteMultipleCoilsResponse(address=9, count=2), ()),
    ],
)
def test_we_read_what_the_library_answers(
    operation: Operation, said: ModbusPDU, registers: tuple[int, ...]
) -> None:
    said.transaction_id, said.dev_id = 77, 3
    frame, used = read_frame(FramerSocket(DecodePDU(is_server=True)).buildFrame(said) + b"more")
    assert frame is not None
    assert (frame.transaction, used) == (77, 9 + len(said.encode()) - 1)
    assert read_answer(operation, 3, frame) == registers


def test_an_exception_is_the_units_word() -> None:
    said = ExceptionResponse(3, 2, device_id=3)
    frame, _ = read_frame(FramerSocket(DecodePDU(is_server=True)).buildFrame(said))
    assert frame is not None
    with pytest.raises(UnitException) as caught:
        read_answer(Read("holding", 0, 1), 3, frame)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("operation", "pdu"),
    [
        (Read("holding", 0, 2), b"\x03\x02\x00\x01"),  # one register of two
        (Read("holding", 0, 1), b"\x03\x04\x00\x01"),  # says four bytes, has two
        (Read("holding", 0, 1), b"\x03\x02\x00\x01\x00"),
        (Read("holding", 0, 1), b"\x04\x02\x00\x01"),
        (Read("holding", 0, 1), b"\x03"),
        (Read("holding", 0, 1), b"\x83"),
        (Write(9, (3,)), b"\x06\x00\x09\x00\x04"),  # another value than was written
        (Write(9, (3, 4)), b"\x10\x00\x09\x00\x01"),
    ],
)
def test_what_does_not_answer_the_question_is_malformed(operation: Operation, pdu: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_answer(operation, 3, Frame(1, 3, pdu))
    with pytest.raises(MalformedMessage, match="unit 4 answers for unit 3"):
        read_answer(operation, 3, Frame(1, 4, pdu))


@pytest.mark.parametrize(
    ("header", "words"),
    [((1, 7, 6, 1), "protocol 7"), ((1, 0, 1, 1), "length 1"), ((1, 0, 255, 1), "length 255")],
)
def test_what_is_no_modbus_is_told_from_its_header(header: tuple[int, ...], words: str) -> None:
    with pytest.raises(MalformedMessage, match=words):
        read_frame(struct.pack(">HHHB", *header))


@given(data=st.binary(max_size=300), operation=st.one_of(READS, WRITES, COILS))
def test_any_bytes_are_read_or_malformed(data: bytes, operation: Operation) -> None:
    try:
        frame, used = read_frame(data)
        if frame is None:
            assert used == 0
            return
        assert 8 <= used <= len(data)
        registers = read_answer(operation, frame.unit, frame)
    except (MalformedMessage, UnitException):
        return
    assert len(registers) == (operation.count if isinstance(operation, Read) else 0)
