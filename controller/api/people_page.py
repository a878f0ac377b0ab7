"""The small page by which a person answers a notice: no script, its own style, in their language. Pure.

All that is shown is escaped, though none of it comes from a stranger. It loads nothing from anywhere.
"""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Literal

from controller.people.people_desk import Invitation
from customers.consent_links import Choice

Words = Mapping[str, str]
Sentence = Literal["wrong", "late", "begun", "noted_no", "noted_yes", "busy", "too_many", "opted_out"]

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#16202a;"
    "background:#fff}h1{font-size:1.3rem}blockquote{margin:1rem 0;padding:.5rem 1rem;border-left:4px solid "
    "#0a6b5c;background:#f2f6f5}button{font:inherit;padding:.7rem 1.4rem;border:0;border-radius:.4rem;"
    "background:#0a6b5c;color:#fff;cursor:pointer}@media(prefers-color-scheme:dark){body{color:#e8edf0;"
    "background:#12181d}blockquote{background:#1b242b}a{color:#7fd1c2}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_STYLE_HASH}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The page's own Content-Security-Policy"""

_ENGLISH: Words = {
    "title": "Your answer",
    "asked": "We asked you:",
    "button_opted_out": "No, I do not take part this time",
    "button_opted_in": "Yes, I take part",
    "other_opted_out": "I do not want to take part",
    "other_opted_in": "I want to take part",
    "needs_yes": "It counts only if you say yes.",
    "said_opted_in": "You said that you take part.",
    "wrong": "This link is not valid. Please open the link in our message once more.",
    "late": "Thank you for your answer. This request is over, so nothing changes any more; you lose nothing.",
    "begun": "This request has begun already, so it is too late to join. You are free to use less all "
    "the same; it is just not credited.",
    "noted_no": "Noted: you do not take part this time, and nobody asks you again in this event.",
    "noted_yes": "Noted: you take part. Thank you! What your meter shows less is credited.",
    "busy": "Your answer could not be noted just now. Please try again in a minute.",
    "too_many": "Too many wrong links came from here. Please try again later.",
    "opt_out": "Do you want no more messages from us? You lose nothing that you earned.",
    "button_opt_out": "No more messages",
    "opted_out": "Noted: you get no more messages from us. If that was a mistake, please tell your supplier.",
}
_CHINESE: Words = {
    "title": "您的答复",
    "asked": "我们的请求：",
    "button_opted_out": "不，这次不参与",
    "button_opted_in": "好的，我参与",
    "other_opted_out": "我不想参与",
    "other_opted_in": "我想参与",
    "needs_yes": "只有您同意后才计入奖励。",
    "said_opted_in": "您已表示参与。",
    "wrong": "此链接无效。请重新打开我们消息中的链接。",
    "late": "感谢您的答复。此请求已结束，不再有任何变化，您没有损失。",
    "begun": "此请求已经开始，现在加入已太晚。您当然仍可少用电，只是不计入奖励。",
    "noted_no": "已记录：您这次不参与，本次事件中不会再请求您。",
    "noted_yes": "已记录：您参与。谢谢！电表显示少用的电量将计入奖励。",
    "busy": "暂时无法记录您的答复，请稍后再试。",
    "too_many": "来自此处的无效链接过多，请稍后再试。",
    "opt_out": "不想再收到我们关于节约用电的消息吗？您已获得的奖励不受影响。",
    "button_opt_out": "不再接收消息",
    "opted_out": "已记录：您将不再收到我们的消息。如需恢复，请联系您的供电公司。",
}
_WORDS: Mapping[str, Words] = {"en": _ENGLISH, "zh": _CHINESE}


def question(invitation: Invitation, token: str) -> str:
    """What was asked, and the button that answers."""
    words = _words(invitation.language)
    if not invitation.open or invitation.consent == invitation.answer:
        return sentence(_after(invitation), invitation.language)
    said = words["said_opted_in"] if invitation.consent == "opted_in" else ""
    other: Choice = "opted_in" if invitation.answer == "opted_out" else "opted_out"
    may_join = invitation.needs_yes and not invitation.begun
    offers_other = invitation.consent is None and (other == "opted_out" or may_join)
    return _page(
        invitation.language,
        [
            f"<p>{escape(words['asked'])}</p><blockquote>{escape(invitation.text)}</blockquote>",
            f"<p>{escape(said)}</p>" if said else "",
            '<form method="post" action="answer">'
            f'<input type="hidden" name="t" value="{escape(token)}">'
            f"<button>{escape(words[f'button_{invitation.answer}'])}</button></form>",
            f'<p><a href="{escape(invitation.other_link)}">{escape(words[f"other_{other}"])}</a></p>'
            if offers_other
            else "",
        ],
    )


def _after(invitation: Invitation) -> Sentence:
    if invitation.consent == invitation.answer:
        return "noted_no" if invitation.answer == "opted_out" else "noted_yes"
    return "begun" if invitation.begun and invitation.answer == "opted_in" else "late"


def sentence(said: Sentence, language: str | None = None) -> str:
    """A page that says one thing; in all languages where nobody knows the reader's."""
    known = [language] if language in _WORDS else list(_WORDS)
    told = [f'<p lang="{one}">{escape(_WORDS[one][said])}</p>' for one in known if one is not None]
    return _page(language or "en", told)


def opt_out_question(token: str) -> str:
    """Whether they want no more messages, and the button that says so; in all languages."""
    asked = [f'<p lang="{one}">{escape(words["opt_out"])}</p>' for one, words in _WORDS.items()]
    button = " / ".join(words["button_opt_out"] for words in _WORDS.values())
    form = f'<form method="post" action="opt-out?t={escape(token)}"><button>{escape(button)}</button></form>'
    return _page("en", [*asked, form])


def _words(language: str) -> Words:
    return _WORDS.get(language, _ENGLISH)


def _page(language: str, parts: list[str]) -> str:
    title = escape(_words(language)["title"])
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{''.join(parts)}</main></body></html>"
    )
