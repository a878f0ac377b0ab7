"""What `gridward field` plays otherwise than `gridward simulate`, in words for who starts it. Pure."""

from collections.abc import Iterator

from simulations.scenario import Scenario


def otherwise(scenario: Scenario, *, own_broker: bool) -> Iterator[str]:
    """One sentence for each part that is played otherwise or not at all, its table first."""
    if scenario.feeder:
        ids = ", ".join(row.id for row in scenario.feeder)
        yield f"[[feeder]]: left out ({ids}); the field is that of [network] alone"
    if any(one.known for one in scenario.switching):
        yield (
            "[[switching]]: the network is switched, and the daemon is not told: start it anew with the "
            "network as it then is"
        )
    if not own_broker and any(one.of == "broker" for one in scenario.outage):
        yield "[[outage]] of the broker: left out; the broker is not ours to stop, --embedded-broker is"
