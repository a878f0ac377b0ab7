"""The frames of words: ours are right, a site's own are checked with file and line."""

from pathlib import Path

import pytest

from devices.errors import ProfileRejected
from devices.notices.templates import KINDS, LANGUAGES, load_templates


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "texts.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_ours_have_every_kind_in_every_language() -> None:
    templates = load_templates()
    assert set(templates) == set(LANGUAGES)
    for texts in templates.values():
        assert set(texts.frames) == set(KINDS)


def test_a_site_replaces_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = own(tmp_path, '[en]\nfooter = "Out: {opt_out_link}"\n[en.thanks]\nsubject = "Ta from {site}"\n')
    ours, theirs = load_templates()["en"], load_templates(path)["en"]
    assert (theirs.footer, theirs.frames["thanks"].subject) == ("Out: {opt_out_link}", "Ta from {site}")
    assert theirs.frames["thanks"].text == ours.frames["thanks"].text
    assert theirs.frames["notice"] == ours.frames["notice"]
    assert load_templates(path)["zh"] == load_templates()["zh"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[en.notice]\n\nsubject = "Save {power}"', "line 3: en.notice.subject: {power} has no meaning here"),
        ('[en.notice]\nsubject = "a"\ntext = "no word"', "line 3: en.notice.text: expected {text} in it"),
        ('[zh.notice]\nsms = "{limit_kw}千瓦 {link}"', "line 2: zh.notice.sms: expected {until} in it"),
        ('[en]\nfooter = "out"', "line 2: en.footer: expected {opt_out_link} in it"),
        ('[en]\nhtml = "<p>{text}</p>"', "line 2: en.html: expected {footer} in it"),
        ('[en.notice]\nsubject = "{text}"', "line 2: en.notice.subject: {text} has no meaning here"),
        ('[en.notice]\ntext = "{text.__class__}"', "line 2: en.notice.text: expected placeholders such as"),
        ('[en.notice]\ntext = "{text!r}"', "line 2: en.notice.text: expected placeholders such as"),
        ('[en.notice]\ntext = "{text"', "line 2: en.notice.text: expected placeholders such as"),
        ('[en.notice]\ntext = "{}{text}"', "line 2: en.notice.text: expected placeholders such as"),
        ("[en.notice]\nsubject = 7", "line 2: en.notice.subject: expected a text, got 7"),
        ('[en.notice]\nbody = "x"', "line 2: en.notice.body: expected one of subject, text, sms"),
        ('[en.notes]\nsubject = "x"', "line 1: en.notes: expected one of footer, html, notice"),
        ('[de.notice]\nsubject = "x"', "line 1: de: expected tables of one of en, zh"),
        ("[en", "expected a readable TOML file in UTF-8"),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ProfileRejected) as error:
        load_templates(own(tmp_path, text))
    assert str(error.value).startswith(f"{tmp_path}/texts.toml")
    assert told in str(error.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = '[en.notice]\nsubject = "{a} {b}"\n[zh.thanks]\ntext = "x"'
    with pytest.raises(ProfileRejected) as error:
        load_templates(own(tmp_path, text))
    assert len(str(error.value).splitlines()) == 3


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileRejected, match=r"none\.toml: expected a readable TOML file"):
        load_templates(tmp_path / "none.toml")
