"""What operators ordered, and have not ended, by the judge's reading."""

from dataclasses import dataclass, field

from simulations.faults.told import Raw


@dataclass
class Orders:
    """What operators ordered and has not ended."""

    off: bool = False
    released_all: bool = False
    released: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)

    def forbid(self, target: str, customer: str) -> bool:
        """Whether the automatic must leave this target alone."""
        alone = self.released | self.excluded
        return self.off or self.released_all or target in alone or customer in alone

    def acted(self, entry: Raw) -> None:
        """An operator did something."""
        target = entry["target"]
        match entry["action"]:
            case "automatic_off":
                self.off = True
            case "automatic_on":
                self.off, self.released_all, self.excluded = False, False, set()
            case "release_all":
                self.released_all = True
            case "release":
                self.released.add(target)
            case "exclude":
                self.excluded.add(target)
            case "include":
                self.excluded.discard(target)
            case _:
                pass

    def event_begins_or_ends(self) -> None:
        """What was released for its event only may be asked again."""
        self.released, self.released_all = set(), False
