"""What must stand in a VTN before events reach anybody: our program, vens and resources of our devices [6].

Everything is looked for first and made only where it is missing, so doing it twice changes nothing. In
3.1.1 a VEN sees an event only when the event's target was granted to its ven or resource, and only business
logic may grant: a ven that is there already gets the target that it lacks, and keeps all else.
"""

from typing import Any

import structlog

from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice
from devices.openadr.events_out import PAYLOAD_TYPES
from devices.openadr.ports import Body, BusinessLogic, ObjectKind

log = structlog.get_logger(__name__)


async def our_program(vtn: BusinessLogic, settings: ChannelSettings) -> str:
    """The id of our program, which is made when there is none. Unreachable, CommandRejected."""
    name = settings.program_name
    for program in await vtn.find("program", {}):
        if program.get("programName") == name:
            return str(program["id"])
    descriptors = [
        {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": payload, "units": "KW"}
        for payload in PAYLOAD_TYPES.values()
    ]
    made = await vtn.create("program", {"programName": name, "payloadDescriptors": descriptors})
    return str(made["id"])


async def enrol(vtn: BusinessLogic, settings: ChannelSettings) -> None:
    """Every device has its ven, and its resource when it is one. Unreachable, CommandRejected."""
    vens = {str(ven.get("venName")): ven for ven in await vtn.find("ven", {})}
    resources: dict[str, list[Body]] = {}
    for device in settings.devices:
        ven = vens.get(device.ven) or await _make_ven(vtn, device, settings)
        if ven is None:
            continue
        vens[device.ven], ven_id = ven, str(ven["id"])
        if device.resource is None:
            vens[device.ven] = await _grant(vtn, "ven", ven, device, settings)
            continue
        if ven_id not in resources:
            resources[ven_id] = await vtn.find("resource", {"venID": ven_id})
        found = [each for each in resources[ven_id] if each.get("resourceName") == device.resource]
        if found:
            await _grant(vtn, "resource", found[0], device, settings)
        else:
            await _make_resource(vtn, device, ven_id, settings)


async def _make_ven(vtn: BusinessLogic, device: OpenAdrDevice, settings: ChannelSettings) -> Body | None:
    if settings.version == "3.0.1":
        return await vtn.create("ven", {"venName": device.ven})
    if device.client_id is None:
        log.warning("ven is not in the vtn, and without its client id we cannot enrol it", ven=device.ven)
        return None
    own = {"objectType": "BL_VEN_REQUEST", "clientID": device.client_id, "venName": device.ven}
    return await vtn.create("ven", {**own, "targets": []})


async def _make_resource(
    vtn: BusinessLogic, device: OpenAdrDevice, ven_id: str, settings: ChannelSettings
) -> None:
    body: dict[str, Any] = {"resourceName": device.resource, "venID": ven_id}
    if settings.version != "3.0.1":
        if device.client_id is None:
            log.warning(
                "resource is not in the vtn, and without a client id we cannot enrol it", ven=device.ven
            )
            return
        body |= {"objectType": "BL_RESOURCE_REQUEST", "clientID": device.client_id}
        body |= {"targets": [device.targeted_as]}
    await vtn.create("resource", body)


async def _grant(
    vtn: BusinessLogic, kind: ObjectKind, held: Body, device: OpenAdrDevice, settings: ChannelSettings
) -> Body:
    """3.0.1 names VENs and resources in the event, and grants nothing."""
    targets = list(held.get("targets") or ())
    if settings.version == "3.0.1" or device.targeted_as in targets:
        return held
    kept: Body = {
        name: held[name] for name in ("clientID", "venName", "resourceName", "venID") if name in held
    }
    if held.get("attributes") is not None:
        kept["attributes"] = held["attributes"]
    body = {**kept, "objectType": f"BL_{kind.upper()}_REQUEST", "targets": [*targets, device.targeted_as]}
    return await vtn.replace(kind, str(held["id"]), body)
