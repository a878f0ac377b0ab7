"""What the pages of reports share: their look (`page.css`) and how charts are drawn (`page_charts.js`)."""

from importlib.resources import files
from string import Template


def filled(template: str, **parts: str | int) -> str:
    """A page of this package (a path below it) with its parts in place, the shared ones among them. The
    parts are put in as they are: HTML must be escaped already.
    """
    folder = files("simulations")
    return Template(folder.joinpath(template).read_text(encoding="utf-8")).substitute(
        style=folder.joinpath("page.css").read_text(encoding="utf-8"),
        drawing=folder.joinpath("page_charts.js").read_text(encoding="utf-8"),
        **parts,
    )
