"""What the pages of reports share: their head (`page_head.html`), their look (`page.css`) and how charts are
drawn (`page_charts.js`).
"""

import html
from collections.abc import Iterable
from importlib.resources import files
from string import Template


def figure(value: float | None, digits: int) -> str:
    """A number as pages show it; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def notes(warnings: Iterable[str]) -> str:
    """What was noticed about the input, a line each."""
    return "".join(f"<p class='lead note'>Note: {html.escape(one)}.</p>" for one in warnings)


def filled(template: str, *, title: str, tab: str = "$title", **parts: str | int) -> str:
    """A page of this package (a path below it) with its parts in place, the shared ones among them; `tab` is
    what browsers call it. The parts are put in as they are: HTML must be escaped already.
    """
    folder = files("simulations")
    head = Template(folder.joinpath("page_head.html").read_text(encoding="utf-8"))
    return Template(folder.joinpath(template).read_text(encoding="utf-8")).substitute(
        head=head.substitute(tab=tab.replace("$title", title)),
        title=title,
        style=folder.joinpath("page.css").read_text(encoding="utf-8"),
        drawing=folder.joinpath("page_charts.js").read_text(encoding="utf-8"),
        **parts,
    )
