"""Modbus servers that we did not write, in a process of their own.

`python foreign_server.py pyModbusTCP|libmodbus` tells its port, then every write of holding registers as one
JSON line. Input registers 0 and 1 hold 12,500; holding registers 11 and 12 hold 0xFFFF.
"""

import ctypes
import ctypes.util
import json
import socket
import sys
from typing import Any


def tell(**event: Any) -> None:
    print(json.dumps(event), flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def py_modbus_tcp() -> None:
    from pyModbusTCP.server import DataBank, ModbusServer

    class Told(DataBank):
        def on_holding_registers_change(
            self, address: int, from_value: int, to_value: int, srv_info: Any
        ) -> None:
            tell(address=address, value=to_value)

    bank = Told()
    bank.set_input_registers(0, [0, 12_500])
    bank.set_holding_registers(11, [0xFFFF, 0xFFFF])
    server = ModbusServer("127.0.0.1", free_port(), no_block=True, data_bank=bank)
    server.start()
    tell(port=server.port)
    sys.stdin.read()
    server.stop()


class Mapping(ctypes.Structure):
    """modbus_mapping_t of libmodbus 3.1."""

    _fields_ = (
        ("nb_bits", ctypes.c_int),
        ("start_bits", ctypes.c_int),
        ("nb_input_bits", ctypes.c_int),
        ("start_input_bits", ctypes.c_int),
        ("nb_input_registers", ctypes.c_int),
        ("start_input_registers", ctypes.c_int),
        ("nb_registers", ctypes.c_int),
        ("start_registers", ctypes.c_int),
        ("tab_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("tab_registers", ctypes.POINTER(ctypes.c_uint16)),
    )


def libmodbus() -> None:
    name = ctypes.util.find_library("modbus")
    assert name is not None
    library = ctypes.CDLL(name)
    library.modbus_new_tcp.restype = ctypes.c_void_p
    library.modbus_mapping_new.restype = ctypes.POINTER(Mapping)
    port = free_port()
    context = ctypes.c_void_p(library.modbus_new_tcp(b"127.0.0.1", port))
    mapping = library.modbus_mapping_new(0, 0, 20, 20)
    mapping.contents.tab_input_registers[1] = 12_500
    mapping.contents.tab_registers[11] = mapping.contents.tab_registers[12] = 0xFFFF
    listening = ctypes.c_int(library.modbus_tcp_listen(context, 5))
    assert listening.value >= 0
    tell(port=port)
    query = (ctypes.c_uint8 * 260)()
    while library.modbus_tcp_accept(context, ctypes.byref(listening)) >= 0:
        while (length := library.modbus_receive(context, query)) >= 0:
            before = mapping.contents.tab_registers[0:20]
            library.modbus_reply(context, query, length, mapping)
            after = mapping.contents.tab_registers[0:20]
            for address, (old, new) in enumerate(zip(before, after, strict=True)):
                if old != new:
                    tell(address=address, value=new)
        library.modbus_close(context)


if __name__ == "__main__":
    {"pyModbusTCP": py_modbus_tcp, "libmodbus": libmodbus}[sys.argv[1]]()
