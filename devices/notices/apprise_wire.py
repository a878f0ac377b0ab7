"""Hands one rendered word to `apprise`, which speaks e-mail and some hundred services. Blocks.

What `apprise` and what is under it log may hold names, addresses and secrets: nothing of it is let through.
From the lines of the thread that sends, only figures are read: the code of an SMTP or HTTP answer. They
decide whether a word that was not taken is worth another try; what cannot be read counts as "not now".
"""

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat

from devices.errors import ProfileRejected
from devices.notices.addresses import Reach
from devices.notices.rendering import Rendered
from devices.notices.ways import Way, filled, target_url
from devices.notices.words import Result

_SMTP = re.compile(r"\b([45]\d\d)\b")
_SMTP_LINES = ("SMTP recipient", "Socket Exception: {")
"""of one recipient: what smtplib holds by address is what a server says to RCPT. What it says to all else, a
greeting or a sender, is about us, and to a whole message often is"""
_HTTP = re.compile(r"error=(\d{3})\b")
_HTTP_FINAL = frozenset({400, 404, 405, 406, 410, 413, 414, 415, 422, 451})
"""the far side will say the same tomorrow; 401 and 403 are the site's own fault, which can be mended"""
_RECIPIENT_FINAL = frozenset({"550", "551", "552", "553", "554", "555"})
"""of one recipient; the other 5xx are about us: 530 log in first"""
_EXAMPLE = {"email": "somebody@example.org", "phone": "+4915100000000", "push": "key", "customer": "C1"}
_TARGETS = ("targets", "target_phones", "phone")
"""where services of `apprise` hold whom they write to"""
_ASSET = AppriseAsset(app_id="Gridward", app_desc="", app_url="", async_mode=False)


class _Codes(logging.Filter):
    """Lets no line through; remembers of each the code that it tells, for the thread that wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self._of = threading.local()

    def begin(self) -> list[str]:
        """The codes of this thread from now on."""
        self._of.codes = codes = list[str]()
        return codes

    def filter(self, record: logging.LogRecord) -> bool:
        codes = getattr(self._of, "codes", None)
        if codes is None:
            return False
        line = record.getMessage()
        if line.startswith(_SMTP_LINES):
            # an address stands in the same line: its digits are no code
            codes += _SMTP.findall(re.sub(r"\S*@\S*", "", line))[:1]
        codes += [f"http {code}" for code in _HTTP.findall(line)]
        return False


_codes = _Codes()


def silence() -> None:
    """Let nothing of what `apprise` and the libraries below it log reach anybody."""
    logger = logging.getLogger("apprise")
    logger.propagate = False  # a logger below it has no filter of ours
    logger.setLevel(logging.DEBUG)
    if _codes not in logger.filters:
        logger.addFilter(_codes)
    for below in ("urllib3", "requests", "charset_normalizer"):
        logging.getLogger(below).setLevel(logging.CRITICAL)


def check(way: Way) -> None:
    """Whether a way's URL is one. Raises ProfileRejected, which never repeats it: there may be a secret in
    it."""
    silence()
    url = filled(way.url, _EXAMPLE | {"secret": way.secret or "secret"})
    plugin = Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase):
        raise ProfileRejected(f"way {way.name!r}: expected a URL that apprise knows, with all it needs in it")
    if not _leads_to_one(plugin, way, _EXAMPLE):
        raise ProfileRejected(f"way {way.name!r}: expected one target in the URL, the customer's own")


def hand_over(way: Way, reach: Reach, word: Rendered, patience_s: float) -> Result:
    """Send, and say what came of it. Never raises, and says nothing of whom it was for."""
    silence()
    url = target_url(way, reach)
    plugin = None if url is None else Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase) or not _leads_to_one(plugin, way, reach.address):
        return "no_address"
    if way.style == "sms" and not word.sms:
        return "too_long"
    plugin.socket_connect_timeout = plugin.socket_read_timeout = patience_s
    if way.style == "email":
        _add_headers(plugin, reach)
    codes = _codes.begin()
    try:
        taken = plugin.notify(**_content(way, word))
    except Exception:  # noqa: BLE001  whatever it says may name the recipient
        return "fault"
    return "taken" if taken else _why_not(codes)


def _leads_to_one(plugin: NotifyBase, way: Way, address: Mapping[Any, str]) -> bool:
    """Whether a URL leads to the one who is meant: a service drops an address that it does not like, or takes
    a part of it, and some then write to their own sender.
    """
    if way.needs and len(plugin) != 1:
        return False
    held = (getattr(plugin, name, None) for name in _TARGETS)
    targets = next(
        (found for found in held if isinstance(found, Sequence) and not isinstance(found, str)), None
    )
    if targets is None or not {"email", "phone"} & set(way.needs):
        return True
    told = [str(one[-1] if isinstance(one, tuple) else one) for one in targets]
    if len(told) != 1:
        return False
    if "email" in way.needs:
        return told[0].casefold() == address["email"].casefold()
    return _digits(told[0].partition("@")[0]) == _digits(address["phone"])


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _add_headers(plugin: Any, reach: Reach) -> None:
    """How a mail program offers to get no more of them, with one click (RFC 2369, RFC 8058)."""
    plugin.headers["Auto-Submitted"] = "auto-generated"
    if reach.opt_out_link:
        plugin.headers["List-Unsubscribe"] = f"<{reach.opt_out_link}>"
        plugin.headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _content(way: Way, word: Rendered) -> Mapping[str, Any]:
    match way.style:
        case "email":
            return {"title": word.subject, "body": word.html, "body_format": NotifyFormat.HTML}
        case "sms":
            return {"title": "", "body": word.sms, "body_format": NotifyFormat.TEXT}
        case _:
            return {"title": word.subject, "body": word.text, "body_format": NotifyFormat.TEXT}


def _why_not(codes: list[str]) -> Result:
    for code in codes:
        if code in _RECIPIENT_FINAL:
            return "refused"
        if code.startswith("http ") and int(code[5:]) in _HTTP_FINAL:
            return "refused"
    return "unreachable"
