"""`gridward appliances list` and `summary`: what the registry holds, by feeder. No name, no address."""

from collections import defaultdict
from collections.abc import Iterator

from controller.errors import ConfigRejected
from customers.appliances.values import Appliance
from gridward.appliance_report import Told
from gridward.appliance_site import Feeders
from gridward.ledger_tables import aligned


def listed(feeders: Feeders, feeder: str | None) -> Told:
    """Every appliance. Raises ConfigRejected for a feeder that has no file."""
    rows, table = [], []
    for name, one in _chosen(feeders, feeder):
        day = None if one.bought_on is None else one.bought_on.isoformat()
        lists = sorted({seen.list_name for seen in one.sources})
        stale = feeders.service_point.get(one.customer) != one.service_point
        rows.append(
            {
                "feeder": name,
                "customer": one.customer,
                "service_point": one.service_point,
                "kind": one.kind,
                "rated_kw": one.rated_kw,
                "bought_on": day,
                "confidence": one.confidence,
                "lists": lists,
                "stale": stale,
            }
        )
        where = " ".join([*lists, *(["(not supplied there any more)"] if stale else [])])
        cells = (one.customer, one.service_point, one.kind, f"{one.rated_kw:g}", day or "")
        table.append((name, *cells, f"{one.confidence:g}", where))
    header = ("feeder", "customer", "service point", "kind", "kW", "bought on", "confidence", "lists")
    lines = [aligned([header, *table], left=4)] if rows else ["no appliances"]
    return Told({"appliances": rows}, lines)


def summary(feeders: Feeders, feeder: str | None) -> Told:
    """Number and kW by feeder and kind, and how many customers have a device beside it."""
    found: dict[tuple[str, str], list[Appliance]] = defaultdict(list)
    for name, one in _chosen(feeders, feeder):
        found[name, one.kind].append(one)
    rows = []
    for (name, kind), owned in sorted(found.items()):
        connected = {device.service_point for device in feeders.registry[name].devices}
        without = [one for one in owned if one.service_point not in connected]
        rows.append(
            {
                "feeder": name,
                "kind": kind,
                "appliances": len(owned),
                "customers": len({one.customer for one in owned}),
                "rated_kw": round(sum(one.rated_kw for one in owned), 3),
                "without_device_kw": round(sum(one.rated_kw for one in without), 3),
            }
        )
    table = [
        (str(row["feeder"]), str(row["kind"]), *(f"{row[key]:g}" for key in list(row)[2:])) for row in rows
    ]
    header = ("feeder", "kind", "appliances", "customers", "kW", "kW without a device")
    return Told({"summary": rows}, [aligned([header, *table], left=2)] if rows else ["no appliances"])


def _chosen(feeders: Feeders, feeder: str | None) -> Iterator[tuple[str, Appliance]]:
    if feeder is not None and feeder not in feeders.registry:
        there = ", ".join(feeders.registry)
        raise ConfigRejected(
            [f"--feeder: expected a feeder with an appliances file ({there}), got {feeder!r}"]
        )
    for name, held in feeders.appliances().items():
        if feeder in (None, name):
            yield from ((name, one) for one in held)
