"""How every reader says no: one NetworkRejected with all reasons, whatever a library raised [before 2]."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from grid_model.errors import Finding, NetworkRejected


def reject(source: str, subject: str, expected: str, repair: str | None = None) -> NoReturn:
    """Raise with a single reason."""
    raise NetworkRejected(source, [Finding("error", subject, expected, repair=repair)])


@contextmanager
def translated(source: str, subject: str, doing: str, repair: str) -> Iterator[None]:
    """Whatever a library raises while `doing` something becomes a finding; its chatter is kept quiet."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except NetworkRejected:
        raise
    except RecursionError:
        reject(source, subject, f"is nested too deeply for {doing}", repair)
    except Exception as error:  # noqa: BLE001  converters raise whatever their input made them meet
        reason = " ".join(str(error).split())[:300] or "no reason given"
        reject(source, subject, f"{doing} failed ({type(error).__name__}: {reason})", repair)
    finally:
        logging.disable(before)


def needed(source: str, subject: str, package: str, extra: str, load: Callable[[], Any]) -> Any:
    """What `load` imports; names the extra that brings the package where it is not installed."""
    try:
        return load()
    except ImportError:
        reject(
            source,
            subject,
            f"needs the package {package}, which is not installed",
            f"install it with: pip install 'gridward[{extra}]'",
        )
