"""A SunSpec device that is none of ours: pysunspec2 lays out its registers, pyModbusTCP serves them.

Run as a script with the port and a base address: the alliance's own IEEE 1547 example device (model 1 and
701 to 713), with the limit of model 704 added. Says "ready" when it listens, and ends with its stdin.
"""

import sys
from pathlib import Path

import sunspec2
from pyModbusTCP.server import DataBank, ModbusServer
from sunspec2.file.client import FileClientDevice

EXAMPLE = Path(sunspec2.__file__).parent / "tests" / "test_data" / "device_1547.json"


def registers() -> list[int]:
    """The whole chain, from the mark to its end."""
    device = FileClientDevice(str(EXAMPLE))
    device.scan()
    control = device.models[704][0]
    control.WMaxLimPct_SF.value = -1
    control.WMaxLimPctEna.value = 0
    control.WMaxLimPct.value = 1000
    control.WMaxLimPctEnaRvrt.value = 0
    control.WMaxLimPctRvrtTms.value = 0
    device.models[701][0].VL3.value = 120
    data = b"SunS" + b"".join(bytes(model.get_mb()) for model in device.model_list) + b"\xff\xff\x00\x00"
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def main() -> None:
    port, base = int(sys.argv[1]), int(sys.argv[2])
    bank = DataBank(coils_size=0, d_inputs_size=0, i_regs_size=0)
    bank.set_holding_registers(base, registers())
    ModbusServer("127.0.0.1", port, no_block=True, data_bank=bank).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
