"""The operators' pages: static files that speak only to the API. Nothing here knows the daemon."""

from pathlib import Path


def static_dir() -> Path:
    """The folder with the pages, as installed."""
    return Path(__file__).parent / "static"
