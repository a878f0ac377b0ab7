"""Operations to bytes and answers back (MODBUS Messaging on TCP/IP 1.0b; Application Protocol 1.1b3) [1, 6].

No I/O. Everything in an answer is looked at: protocol, length, unit, function, byte count, and that a write
is repeated as it was sent. What is not so is MalformedMessage; a frame of another transaction is an answer to
something that nobody waits for any more and is left out by whoever asks.
"""

import struct
from dataclasses import dataclass
from typing import assert_never

from devices.errors import MalformedMessage
from devices.modbus.dialogue import Operation, Read, Registers, UnitException, Write

HEADER_BYTES = 7
MAX_PDU_BYTES = 253
_HEADER = struct.Struct(">HHHB")
_READ_FUNCTION = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_ERROR = 0x80
_ON = 0xFF00
"""What function 5 calls 1 (Application Protocol, 6.5)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came in."""

    transaction: int
    unit: int
    pdu: bytes


def request_frame(transaction: int, unit: int, operation: Operation) -> bytes:
    """The bytes of one question."""
    pdu = request_pdu(operation)
    return _HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu


def request_pdu(operation: Operation) -> bytes:
    """Function and data of one question."""
    match operation:
        case Read(table, address, count):
            return struct.pack(">BHH", _READ_FUNCTION[table], address, count)
        case Write():
            return _write_pdu(operation)
        case _:
            assert_never(operation)


def read_frame(buffer: bytes) -> tuple[Frame | None, int]:
    """The first frame in what came in, and how many bytes it takes; (None, 0) while more must come.

    MalformedMessage when this is no Modbus/TCP at all: where the next frame begins is unknown then.
    """
    if len(buffer) < HEADER_BYTES:
        return None, 0
    transaction, protocol, length, unit = _HEADER.unpack_from(buffer)
    if protocol != 0:
        raise MalformedMessage("malformed", f"protocol {protocol}, expected 0")
    if not 2 <= length <= MAX_PDU_BYTES + 1:
        raise MalformedMessage("malformed", f"a frame of length {length}, expected 2 to {MAX_PDU_BYTES + 1}")
    end = HEADER_BYTES - 1 + length
    if len(buffer) < end:
        return None, 0
    return Frame(transaction, unit, bytes(buffer[HEADER_BYTES:end])), end


def read_answer(operation: Operation, unit: int, frame: Frame) -> Registers:
    """What the unit answers to this question. UnitException, MalformedMessage."""
    if frame.unit != unit:
        raise MalformedMessage("malformed", f"unit {frame.unit} answers for unit {unit}")
    sent = request_pdu(operation)
    function, data = frame.pdu[0], frame.pdu[1:]
    if function == sent[0] | _ERROR and len(data) == 1:
        raise UnitException(data[0])
    if function != sent[0]:
        raise MalformedMessage("malformed", f"function {function} answers function {sent[0]}")
    match operation:
        case Read():
            return _read_data(operation, data)
        case Write():
            if data != sent[1:5]:
                raise MalformedMessage(
                    "malformed", f"a write of {sent[1:5].hex()} is repeated as {data.hex()}"
                )
            return ()
        case _:
            assert_never(operation)


def _write_pdu(write: Write) -> bytes:
    address, values, count = write.address, write.values, len(write.values)
    alone = count == 1 and not write.as_block
    if write.table == "coil":
        if alone:
            return struct.pack(">BHH", 5, address, _ON if values[0] else 0)
        packed = sum(1 << n for n, value in enumerate(values) if value).to_bytes((count + 7) // 8, "little")
        return struct.pack(">BHHB", 15, address, count, len(packed)) + packed
    if alone:
        return struct.pack(">BHH", 6, address, values[0])
    return struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *values)


def _read_data(read: Read, data: bytes) -> Registers:
    bits = read.table in ("coil", "discrete")
    expected = (read.count + 7) // 8 if bits else 2 * read.count
    if len(data) != expected + 1 or data[0] != expected:
        raise MalformedMessage(
            "malformed", f"{len(data) - 1} bytes answer {read.count} of {read.table}, expected {expected}"
        )
    if bits:
        packed = int.from_bytes(data[1:], "little")
        return tuple(packed >> n & 1 for n in range(read.count))
    return struct.unpack_from(f">{read.count}H", data, 1)
