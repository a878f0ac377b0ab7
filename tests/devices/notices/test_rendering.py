"""What is read: subjects, texts, HTML and the short form."""

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from devices.messages import NoticeKind
from devices.notices.rendering import Writing, first_link, render, render_trial
from devices.notices.sms_length import segments
from devices.notices.templates import load_templates
from tests.devices.notices.people import LINK, OPT_OUT, START, WRITING, person, word

STOP = "Reply STOP to get no more."
LONG_LINK = "https://people.stadtwerke.example.org/people/answer?t=" + "Ab-_9" * 26


def test_a_notice_in_english() -> None:
    read = render(word(), person(), WRITING, START)
    assert read.subject == "Please use less electricity until 21:00 UTC"
    assert read.text == f"{word().text}\n\nYou want no more messages from us? {OPT_OUT}"
    assert read.sms == f"Power grid overloaded: please stay below 3.2 kW until 21:00 UTC. {LINK} {STOP}"


def test_a_notice_in_chinese_for_later_in_its_own_zone() -> None:
    there = replace(WRITING, zone=ZoneInfo("Asia/Shanghai"))
    read = render(word(start=word().end.replace(hour=20)), person(language="zh"), there, START)
    assert read.subject == "请在05:00之前少用电"
    assert (
        read.sms == f"电网负荷过高，请从04:00起在05:00之前将用电功率保持在3.2千瓦以下。{LINK} 回复STOP退订。"
    )


@pytest.mark.parametrize("kind", ["taken_back", "follow_up", "thanks", "explanation"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_further_word_holds_the_word_itself(kind: NoticeKind, language: str) -> None:
    read = render(word(kind=kind), person(language=language), WRITING, START)
    assert word().text in read.text
    assert read.sms == word().text
    assert "\n" not in read.subject
    assert read.subject


@pytest.mark.parametrize(("language", "says"), [("en", "trial message"), ("zh", "测试消息")])
def test_a_trial_says_that_it_is_one_and_how_to_get_no_more(language: str, says: str) -> None:
    read = render_trial(person(language=language), WRITING)
    assert all(says in text.lower() for text in (read.subject, read.text, read.html, read.sms))
    assert OPT_OUT in read.text
    assert OPT_OUT in read.html
    assert segments(read.sms) == 1


def test_without_a_public_address_there_is_no_footer() -> None:
    read = render(word(), person(opt_out_link=""), WRITING, START)
    assert read.text == word().text
    assert "<small></small>" in read.html


def test_links_can_be_clicked_and_markup_is_text() -> None:
    read = render(word(text=f"<b>a&b</b>\nhere: {LINK}"), person(), WRITING, START)
    assert f'&lt;b&gt;a&amp;b&lt;/b&gt;<br>\nhere: <a href="{LINK}">{LINK}</a>' in read.html


@pytest.mark.parametrize(
    "text", [f"请点击：{LINK}。谢谢", f"（{LINK}）", f"say no here: {LINK}", f"<{LINK}>"]
)
def test_the_link_ends_where_it_ends(text: str) -> None:
    assert first_link(text) == LINK


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_sms_with_a_long_link_fits(language: str) -> None:
    read = render(word(text=f"x {LONG_LINK}"), person(language=language), WRITING, START)
    assert LONG_LINK in read.sms
    assert segments(read.sms) <= 4


def test_one_that_is_too_long_goes_without_its_link_and_is_never_cut() -> None:
    tight = replace(WRITING, most_segments=1)
    read = render(word(text=f"x {LONG_LINK}"), person(), tight, START)
    assert read.sms == "Power grid overloaded: please stay below 3.2 kW until 21:00 UTC. " + STOP
    whole = render(word(text="y" * 161 + f" {LONG_LINK}", kind="thanks"), person(), tight, START)
    assert whole.sms == ""


def test_a_sites_own_words(tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text('[en.thanks]\nsubject = "Ta, {name}!"\ntext = "Dear {name}, {text} {site} {{}}"\n')
    writing = Writing(load_templates(path), "Stadtwerke", WRITING.zone, 4)
    read = render(word(kind="thanks", text="Thanks."), person(name="Ann {x}\nB"), writing, START)
    assert read.subject == "Ta, Ann {x} B!"
    assert read.text.startswith("Dear Ann {x}\nB, Thanks. Stadtwerke {}")


def test_a_short_form_may_hold_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text('[en.thanks]\nsms = "{text} No more: {opt_out_link}"\n')
    writing = replace(WRITING, templates=load_templates(path))
    read = render(word(kind="thanks", text="Thanks."), person(), writing, START)
    assert read.sms == f"Thanks. No more: {OPT_OUT}"


def test_a_language_that_nobody_wrote_is_english() -> None:
    assert render(word(), person(language="fr"), WRITING, START).subject.startswith("Please")
