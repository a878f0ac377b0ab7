"""Reports of VENs, as bodies: each test says what is special about its own."""

from datetime import datetime
from typing import Any

from devices.openadr.ports import Body


def report(
    event_id: str,
    interval: int,
    *,
    report_id: str = "rep1",
    ven: str = "home-1",
    client: str | None = "client-1",
    resource: str = "wallbox",
    at: datetime | None = None,
    duration: str = "PT0S",
    modified: datetime | None = None,
    units: str | None = "KW",
    reading_type: str | None = None,
    **payloads: Any,
) -> Body:
    """`payloads` are single values by type."""
    body: Body = {
        "objectType": "REPORT",
        "id": report_id,
        "eventID": event_id,
        "clientName": ven,
        "resources": [
            {
                "resourceName": resource,
                "intervals": [
                    {"id": interval, "payloads": [{"type": k, "values": [v]} for k, v in payloads.items()]}
                ],
            }
        ],
        "payloadDescriptors": [
            {
                "objectType": "REPORT_PAYLOAD_DESCRIPTOR",
                "payloadType": name,
                "units": units,
                "readingType": reading_type,
            }
            for name in payloads
            if name not in ("OPERATING_STATE", "DATA_QUALITY")
        ],
    }
    if client is not None:
        body["clientID"] = client
    if at is not None:
        period = {"start": at.isoformat(), "duration": duration}
        body["resources"][0]["intervals"][0]["intervalPeriod"] = period
    if modified is not None:
        body["modificationDateTime"] = modified.isoformat()
    return body
