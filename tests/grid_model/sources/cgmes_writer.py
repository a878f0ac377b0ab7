"""Writes a pandapower network as CGMES profiles, for the tests of the reader: from the standard alone.

Buses, lines, two-winding transformers with taps, loads, bus-bus switches, one external grid. Bus-branch
models have TopologicalNodes only; node-breaker models have ConnectivityNodes.
"""

import math
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

_CIM = {"2.4.15": "http://iec.ch/TC57/2013/CIM-schema-cim16#", "3.0": "http://iec.ch/TC57/CIM100#"}
_PROFILE = {
    "2.4.15": {
        "EQ": "http://entsoe.eu/CIM/EquipmentCore/3/1",
        "SSH": "http://entsoe.eu/CIM/SteadyStateHypothesis/1/1",
        "TP": "http://entsoe.eu/CIM/Topology/4/1",
        "GL": "http://entsoe.eu/CIM/GeographicalLocation/2/1",
    },
    "3.0": {
        "EQ": "http://iec.ch/TC57/ns/CIM/CoreEquipment-EU/3.0",
        "SSH": "http://iec.ch/TC57/ns/CIM/SteadyStateHypothesis-EU/3.0",
        "TP": "http://iec.ch/TC57/ns/CIM/Topology-EU/3.0",
        "GL": "http://iec.ch/TC57/ns/CIM/GeographicalLocation-EU/3.0",
        "OP": "http://iec.ch/TC57/ns/CIM/Operation-EU/3.0",
        "SC": "http://iec.ch/TC57/ns/CIM/ShortCircuit-EU/3.0",
    },
}
_BASES = {
    **dict.fromkeys(("r", "x", "bch", "gch"), "ACLineSegment"),
    "length": "Conductor",
    "nominalVoltage": "BaseVoltage",
    "open": "Switch",
    "inService": "Equipment",
    **dict.fromkeys(("p", "q"), "EnergyConsumer"),
    "connected": "ACDCTerminal",
}


def write_cgmes(
    net: Any, folder: Path, version: str = "2.4.15", *, nodes: bool = False, switch: str = "Breaker"
) -> Path:
    """The profiles of `net` in `folder`: with `nodes` as node-breaker model, switches of class `switch`."""
    writer = _Writer(net, version, nodes, switch)
    writer.write_all()
    folder.mkdir(parents=True, exist_ok=True)
    for profile in ("EQ", "SSH", "TP", "GL"):
        (folder / f"net_{profile}.xml").write_text(writer.document(profile), encoding="utf-8")
    return folder


def zipped(folder: Path, target: Path, *, each: bool = False) -> Path:
    """The files of a folder in one zip; with `each` every file in a zip of its own within it."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            if each:
                inner = target.parent / f"{file.stem}.zip"
                with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as one:
                    one.write(file, file.name)
                archive.write(inner, inner.name)
            else:
                archive.write(file, file.name)
    return target


class _Writer:
    def __init__(self, net: Any, version: str, nodes: bool, switch: str) -> None:
        self.net, self.version, self.nodes, self.switch = net, version, nodes, switch
        self.parts: dict[str, list[str]] = {profile: [] for profile in ("EQ", "SSH", "TP", "GL")}

    def document(self, profile: str) -> str:
        model = (
            f'<md:FullModel rdf:about="urn:uuid:{profile}"><md:Model.profile>'
            f"{_PROFILE[self.version][profile]}</md:Model.profile></md:FullModel>"
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
            f'xmlns:cim="{_CIM[self.version]}" '
            'xmlns:md="http://iec.ch/TC57/61970-552/ModelDescription/1#">\n'
            + "\n".join([model, *self.parts[profile]])
            + "\n</rdf:RDF>\n"
        )

    def add(self, profile: str, cim_class: str, rdf_id: str, *, about: bool = False, **fields: Any) -> None:
        key = f'rdf:about="#{rdf_id}"' if about else f'rdf:ID="{rdf_id}"'
        lines = [f"<cim:{cim_class} {key}>"]
        for field, value in fields.items():
            tag = f"cim:{_BASES.get(field, 'IdentifiedObject' if field == 'name' else cim_class)}.{field}"
            if isinstance(value, _Ref):
                lines.append(f'<{tag} rdf:resource="{value.target}"/>')
            elif value is not None:
                lines.append(f"<{tag}>{_shown(value)}</{tag}>")
        self.parts[profile].append("\n  ".join(lines) + f"\n</cim:{cim_class}>")

    def terminal(self, equipment: str, number: int, bus: int, *, connected: bool = True) -> str:
        rdf_id = f"_t{number}{equipment}"
        node = {"ConnectivityNode": _ref(f"_cn{bus}")} if self.nodes else {}
        self.add("EQ", "Terminal", rdf_id, ConductingEquipment=_ref(equipment), sequenceNumber=number, **node)
        self.add("SSH", "Terminal", rdf_id, about=True, connected=connected)
        self.add("TP", "Terminal", rdf_id, about=True, TopologicalNode=_ref(f"_tn{bus}"))
        return rdf_id

    def write_all(self) -> None:
        self.buses()
        self.lines()
        self.transformers()
        self.consumers()
        self.switches()
        self.feeding()

    def in_service(self, cim_class: str, rdf_id: str, *, value: bool, **fields: Any) -> None:
        """Values of the SSH profile; whether equipment is in service is part of it since 3.0 only."""
        if self.version == "3.0":
            fields["inService"] = value
        self.add("SSH", cim_class, rdf_id, about=True, **fields)

    def equipment(self, rdf_id: str, element: Any) -> None:
        if self.version == "3.0":
            self.in_service("Equipment", rdf_id, value=bool(element.in_service))

    def connected(self, element: Any) -> bool:
        """2.4.15 has no other way to say that a line is out of service than its terminals."""
        return self.version == "3.0" or bool(element.in_service)

    def buses(self) -> None:
        for level in sorted(set(self.net.bus.vn_kv)):
            self.add("EQ", "BaseVoltage", f"_bv{level}", name=f"{level} kV", nominalVoltage=level)
        for index, bus in self.net.bus.iterrows():
            self.add("EQ", "Substation", f"_ss{index}", name=f"station {index}")
            self.add(
                "EQ",
                "VoltageLevel",
                f"_vl{index}",
                name=f"level {index}",
                BaseVoltage=_ref(f"_bv{bus.vn_kv}"),
                Substation=_ref(f"_ss{index}"),
            )
            container = {"ConnectivityNodeContainer": _ref(f"_vl{index}")}
            base = {"BaseVoltage": _ref(f"_bv{bus.vn_kv}")}
            self.add("TP", "TopologicalNode", f"_tn{index}", name=bus["name"], **container, **base)
            if self.nodes:
                self.add("EQ", "ConnectivityNode", f"_cn{index}", name=bus["name"], **container)
            self.add("GL", "Location", f"_lo{index}", PowerSystemResources=_ref(f"_ss{index}"))
            self.add(
                "GL",
                "PositionPoint",
                f"_pp{index}",
                Location=_ref(f"_lo{index}"),
                xPosition=9.5 + 0.001 * int(index),
                yPosition=51.3,
                sequenceNumber=1,
            )

    def lines(self) -> None:
        for index, line in self.net.line.iterrows():
            rdf_id = f"_line{index}"
            values = {
                "r": line.r_ohm_per_km * line.length_km,
                "x": line.x_ohm_per_km * line.length_km,
                "bch": line.c_nf_per_km * 1e-9 * 2 * math.pi * 50 * line.length_km,
                "gch": line.g_us_per_km * 1e-6 * line.length_km,
            }
            self.add("EQ", "ACLineSegment", rdf_id, name=line["name"], length=line.length_km, **values)
            self.equipment(rdf_id, line)
            ends = [
                self.terminal(rdf_id, number, line[end], connected=self.connected(line))
                for number, end in ((1, "from_bus"), (2, "to_bus"))
            ]
            if np.isfinite(line.max_i_ka):
                self.limit(ends[0], line.max_i_ka * 1000)

    def limit(self, terminal: str, amperes: float) -> None:
        rdf_id = f"_ol{terminal}"
        self.add("EQ", "OperationalLimitSet", rdf_id, name="limits", Terminal=_ref(terminal))
        limit = {"value": amperes} if self.version == "2.4.15" else {}
        self.add(
            "EQ", "CurrentLimit", f"_cl{terminal}", name="limit", OperationalLimitSet=_ref(rdf_id), **limit
        )
        if self.version == "3.0":
            self.add("SSH", "CurrentLimit", f"_cl{terminal}", about=True, value=amperes)

    def transformers(self) -> None:
        for index, unit in self.net.trafo.iterrows():
            rdf_id = f"_trafo{index}"
            self.add("EQ", "PowerTransformer", rdf_id, name=unit["name"])
            self.equipment(rdf_id, unit)
            base = unit.vn_hv_kv**2 / unit.sn_mva
            r, z = unit.vkr_percent / 100 * base, unit.vk_percent / 100 * base
            g, y = unit.pfe_kw / 1000 / unit.vn_hv_kv**2, unit.i0_percent / 100 / base
            impedance = {"r": r, "x": math.sqrt(z**2 - r**2), "g": g, "b": -math.sqrt(y**2 - g**2)}
            self.winding(rdf_id, unit, "hv", impedance)
            self.winding(rdf_id, unit, "lv", dict.fromkeys(impedance, 0.0))
            if unit.tap_side == "hv":
                self.tap(rdf_id, unit)

    def winding(self, rdf_id: str, unit: Any, side: str, values: dict[str, float]) -> None:
        number = 1 if side == "hv" else 2
        clock = 0 if side == "hv" else round(unit.shift_degree / 30)
        terminal = self.terminal(rdf_id, number, unit[f"{side}_bus"], connected=self.connected(unit))
        lines = [f'<cim:PowerTransformerEnd rdf:ID="_end{number}{rdf_id}">']
        for tag, value in (
            ("TransformerEnd.endNumber", number),
            ("PowerTransformerEnd.ratedS", unit.sn_mva),
            ("PowerTransformerEnd.ratedU", unit[f"vn_{side}_kv"]),
            ("PowerTransformerEnd.phaseAngleClock", clock),
            *((f"PowerTransformerEnd.{name}", value) for name, value in values.items()),
        ):
            lines.append(f"<cim:{tag}>{_shown(value)}</cim:{tag}>")
        for tag, target in (
            ("TransformerEnd.Terminal", terminal),
            ("PowerTransformerEnd.PowerTransformer", rdf_id),
        ):
            lines.append(f'<cim:{tag} rdf:resource="#{target}"/>')
        self.parts["EQ"].append("\n  ".join(lines) + "\n</cim:PowerTransformerEnd>")

    def tap(self, rdf_id: str, unit: Any) -> None:
        self.add(
            "EQ",
            "RatioTapChanger",
            f"_tap{rdf_id}",
            name="tap",
            TransformerEnd=_ref(f"_end1{rdf_id}"),
            neutralStep=int(unit.tap_neutral),
            lowStep=int(unit.tap_min),
            highStep=int(unit.tap_max),
            stepVoltageIncrement=unit.tap_step_percent,
        )
        self.add("SSH", "RatioTapChanger", f"_tap{rdf_id}", about=True, step=int(unit.tap_pos))

    def consumers(self) -> None:
        for index, load in self.net.load.iterrows():
            rdf_id = f"_load{index}"
            self.add("EQ", "EnergyConsumer", rdf_id, name=load["name"])
            self.in_service(
                "EnergyConsumer", rdf_id, value=True, p=load.p_mw * load.scaling, q=load.q_mvar * load.scaling
            )
            self.terminal(rdf_id, 1, load.bus)

    def switches(self) -> None:
        for index, switch in self.net.switch.iterrows():
            rdf_id = f"_switch{index}"
            self.add("EQ", self.switch, rdf_id, name=f"switch {index}")
            self.in_service(self.switch, rdf_id, value=True, open=not switch.closed)
            self.terminal(rdf_id, 1, switch.bus)
            self.terminal(rdf_id, 2, switch.element)

    def feeding(self) -> None:
        grid = self.net.ext_grid.iloc[0]
        level = self.net.bus.vn_kv[grid.bus]
        self.add("EQ", "ExternalNetworkInjection", "_grid", name="grid", RegulatingControl=_ref("_control"))
        self.in_service(
            "ExternalNetworkInjection", "_grid", value=True, p=0.0, q=0.0, referencePriority=1,
            controlEnabled=True,
        )  # fmt: skip
        terminal = self.terminal("_grid", 1, grid.bus)
        mode = _Ref(f"{_CIM[self.version]}RegulatingControlModeKind.voltage")
        self.add("EQ", "RegulatingControl", "_control", name="control", mode=mode, Terminal=_ref(terminal))
        self.add(
            "SSH", "RegulatingControl", "_control", about=True, enabled=True, targetValue=grid.vm_pu * level
        )


class _Ref:
    def __init__(self, target: str) -> None:
        self.target = target


def _ref(rdf_id: str) -> _Ref:
    return _Ref(f"#{rdf_id}")


def _shown(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, (float, np.floating)) else escape(str(value))
