"""What must be so once faults are over: nobody held, all settled, and the books those of the journal."""

from collections.abc import Mapping

from controller.books import Books
from controller.errors import ControllerError
from simulations.faults.controllers import Controller
from simulations.faults.device import FieldDevice
from simulations.faults.disk import Disk
from simulations.faults.judge import Judge
from simulations.faults.promises import Broken
from simulations.faults.site_settings import FEEDER
from simulations.faults.story import Story


def left(story: Story, devices: Mapping[str, FieldDevice], current: Controller | None) -> list[str]:
    """What is not at rest yet, in words; `current`: the controller in charge."""
    still = [
        *story.unsettled(),
        *(f"{d.name} may take {d.limit_kw()} kW" for d in devices.values() if d.limit_kw() is not None),
        *(f"{event} is open" for event in story.open_events),
    ]
    if current is None or current.process.paused or not current.daemon._started:
        return [*still, "no controller is in charge"]
    if not current.queues_are_empty and not still:
        still.append("a queue is not empty")
    return still


def look_at_the_end(judge: Judge, disk: Disk, current: Controller) -> None:
    """Nothing acknowledged is missing, the ledger sums to zero, and a replay gives the controller's books."""
    judge.all_is_there([body for _, body in disk.rows()])
    try:
        judge.money.at_rest(disk.postings())
        books = Books()
        books.apply_all(disk.replay())
    except Broken as broken:
        judge.breaks(broken)
        return
    except ControllerError as error:
        judge.breaks(Broken("whole", f"the journal cannot be replayed: {error}"))
        return
    own = current.daemon.books
    for one in (books, own):
        one.count_by_state(FEEDER)  # asking makes an empty sum where none is
    if own.seq == books.seq and own != books:
        judge.breaks(Broken("whole", "a replay gives other books than the controller has"))
