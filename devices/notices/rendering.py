"""From a notice to what is read: subject, plain text, HTML and the short form for a phone. Pure.

Values come from the notice and the address book; all that goes into HTML is escaped there. Times are told
in the zone that is given, and the zone is named when it is UTC. A subject is one line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from html import escape

from devices.messages import CustomerNotice
from devices.notices.addresses import Reach
from devices.notices.sms_length import segments
from devices.notices.templates import LANGUAGES, FrameKind, Templates

_LINK = re.compile(r"https?://[^\s<>\"，。；）]+")
_FROM = {"en": " from {start}", "zh": "从{start}起"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """One word as one person reads it."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    sms: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Writing:
    """How a site writes."""

    templates: Templates
    site: str
    zone: tzinfo
    most_segments: int
    """of an SMS"""


def render(notice: CustomerNotice, reach: Reach, writing: Writing, now: datetime) -> Rendered:
    """The word of a notice; `now` decides whether a start is still to be told."""
    return _rendered(notice.kind, _values(notice, reach, writing, now, _language(reach)), reach, writing)


def render_trial(reach: Reach, writing: Writing) -> Rendered:
    """The word by which an engineer tries a way: it says that it is a trial."""
    values = {"site": writing.site, "name": reach.name, "opt_out_link": reach.opt_out_link}
    return _rendered("trial", {**values, "text": "", "link": ""}, reach, writing)


def _rendered(kind: FrameKind, values: Mapping[str, str], reach: Reach, writing: Writing) -> Rendered:
    texts = writing.templates[_language(reach)]
    frame = texts.frames[kind]
    subject = " ".join(frame.subject.format_map(values).split())
    body = frame.text.format_map(values)
    footer = ""
    if reach.opt_out_link:
        footer = texts.footer.format_map({"opt_out_link": reach.opt_out_link, "site": writing.site})
    return Rendered(
        subject=subject,
        text=f"{body}\n\n{footer}" if footer else body,
        html=texts.html.format_map(
            {
                "subject": escape(subject),
                "text": _html(body),
                "footer": _html(footer),
                "site": escape(writing.site),
            }
        ),
        sms=_short(frame.sms, values, writing.most_segments),
    )


def _language(reach: Reach) -> str:
    return reach.language if reach.language in LANGUAGES else LANGUAGES[0]


def first_link(text: str) -> str:
    """The link in a word: that by which they answer; empty where it has none."""
    found = _LINK.search(text)
    return "" if found is None else found[0]


def _short(template: str, values: Mapping[str, str], most_segments: int) -> str:
    """In at most so many parts: a word is never cut, but goes without its link when that makes it fit.
    Empty when even that is too long.
    """
    for without in ("", values["link"]):
        bare = {**values, "link": "", "text": values["text"].replace(without, "")} if without else values
        text = " ".join(template.format_map(bare).split())
        if segments(text) <= most_segments:
            return text
    return ""


def _values(
    notice: CustomerNotice, reach: Reach, writing: Writing, now: datetime, language: str
) -> dict[str, str]:
    start = _clock(notice.start, writing.zone)
    return {
        "text": notice.text,
        "limit_kw": f"{notice.limit_kw:.1f}",
        "start": start,
        "from_start": _FROM[language].format(start=start) if notice.start > now else "",
        "until": _clock(notice.end, writing.zone),
        "link": first_link(notice.text),
        "site": writing.site,
        "name": reach.name,
        "opt_out_link": reach.opt_out_link,
    }


def _html(text: str) -> str:
    """Escaped, with its links to be clicked and its lines kept."""
    parts, last = [], 0
    for found in _LINK.finditer(text):
        parts.append(escape(text[last : found.start()]))
        parts.append(f'<a href="{escape(found[0])}">{escape(found[0])}</a>')
        last = found.end()
    parts.append(escape(text[last:]))
    return "".join(parts).replace("\n", "<br>\n")


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}" + (" UTC" if zone is UTC else "")
