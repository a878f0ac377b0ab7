"""What must stand in a VTN before events reach anybody: our program, vens and resources of our devices [6].

Everything is looked for first and made only where it is missing, so doing it twice changes nothing. In
3.1.1 a VEN sees an event only when the event's target was granted to its ven or resource, and only business
logic may grant: a ven that is there already gets the target that it lacks, and keeps all else but its name.
"""

from collections.abc import Iterable
from typing import Any

from devices.errors import CommandRejected
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice
from devices.openadr.events_out import PAYLOAD_TYPES
from devices.openadr.ports import Body, BusinessLogic, ObjectKind


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


async def enrol(
    vtn: BusinessLogic, settings: ChannelSettings, devices: Iterable[OpenAdrDevice] | None = None
) -> dict[OpenAdrDevice, str]:
    """Every device (of `devices`; None: of all) has its ven, and its resource when it is one. Unreachable.

    Answers those that have not, and why: what the VTN refuses of one device holds up none of the others.
    """
    vens = _Vens(await vtn.find("ven", {}))
    refused: dict[OpenAdrDevice, str] = {}
    for device in settings.devices if devices is None else devices:
        try:
            await _enrol_one(vtn, vens, device, settings)
        except CommandRejected as error:
            refused[device] = str(error)
    return refused


class _Vens:
    """The vens of a VTN, and the resources of those that were asked for."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        self._by_name: dict[str, Body] = {}
        self._by_client: dict[str, Body] = {}
        self._resources: dict[str, list[Body]] = {}
        for body in bodies:
            self.put(body)

    def put(self, body: Body) -> None:
        self._by_name[str(body.get("venName"))] = body
        if body.get("clientID") is not None:
            self._by_client[str(body["clientID"])] = body

    def of(self, device: OpenAdrDevice) -> Body | None:
        """By its client, whatever it calls itself, and else by its name. CommandRejected when that is
        another client's: a grant to whoever holds the name would show it the events of others.
        """
        if device.client_id is not None and device.client_id in self._by_client:
            return self._by_client[device.client_id]
        named = self._by_name.get(device.ven)
        owner = None if named is None else named.get("clientID")
        if owner is not None and device.client_id not in (None, owner):
            raise CommandRejected(f"the ven {device.ven!r} is not of client {device.client_id!r}")
        return named

    async def resource(self, vtn: BusinessLogic, ven_id: str, name: str) -> Body | None:
        if ven_id not in self._resources:
            self._resources[ven_id] = await vtn.find("resource", {"venID": ven_id})
        return next((each for each in self._resources[ven_id] if each.get("resourceName") == name), None)


async def _enrol_one(
    vtn: BusinessLogic, vens: _Vens, device: OpenAdrDevice, settings: ChannelSettings
) -> None:
    ven = vens.of(device) or await _make_ven(vtn, device, settings)
    if device.resource is None:
        ven = await _grant(vtn, "ven", ven, device, settings)
    vens.put(ven)
    if device.resource is None:
        return
    found = await vens.resource(vtn, str(ven["id"]), device.resource)
    if found is None:
        await _make_resource(vtn, device, str(ven["id"]), settings)
    else:
        await _grant(vtn, "resource", found, device, settings)


async def _make_ven(vtn: BusinessLogic, device: OpenAdrDevice, settings: ChannelSettings) -> Body:
    if settings.version == "3.0.1":
        return await vtn.create("ven", {"venName": device.ven})
    if device.client_id is None:
        raise CommandRejected(f"the ven {device.ven!r} is not in the vtn, and its `client_id` is not known")
    own = {"objectType": "BL_VEN_REQUEST", "clientID": device.client_id, "venName": device.ven}
    return await vtn.create("ven", {**own, "targets": []})


async def _make_resource(
    vtn: BusinessLogic, device: OpenAdrDevice, ven_id: str, settings: ChannelSettings
) -> None:
    body: dict[str, Any] = {"resourceName": device.resource, "venID": ven_id}
    if settings.version != "3.0.1":
        if device.client_id is None:
            raise CommandRejected(
                f"the resource {device.resource!r} is not in the vtn, and its `client_id` is not known"
            )
        body |= {"objectType": "BL_RESOURCE_REQUEST", "clientID": device.client_id}
        body |= {"targets": [device.targeted_as]}
    await vtn.create("resource", body)


async def _grant(
    vtn: BusinessLogic, kind: ObjectKind, held: Body, device: OpenAdrDevice, settings: ChannelSettings
) -> Body:
    """3.0.1 names VENs and resources in the event, and grants nothing.

    To grant a ven something vouches for its name, so it gets the one that it has in the settings.
    """
    targets = list(held.get("targets") or ())
    renamed = kind == "ven" and held.get("venName") != device.ven
    if settings.version == "3.0.1" or (device.targeted_as in targets and not renamed):
        return held
    if device.targeted_as not in targets:
        targets.append(device.targeted_as)
    kept: Body = {
        name: held[name] for name in ("clientID", "venName", "resourceName", "venID") if name in held
    }
    if held.get("attributes") is not None:
        kept["attributes"] = held["attributes"]
    if renamed:
        kept["venName"] = device.ven
    body = {**kept, "objectType": f"BL_{kind.upper()}_REQUEST", "targets": targets}
    return await vtn.replace(kind, str(held["id"]), body)
