"""Checkpoints as signed notes: formats that others read too, and what is no note of ours."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.auditing.checkpoints import (
    Checkpoint,
    NoteRejected,
    NoteTorn,
    SignedCheckpoint,
    SigningKey,
    key_name,
    note,
    of_entry,
    read_note,
    read_notes,
    read_public_keys,
    read_signing_key,
)

KEY = SigningKey("gridward/dorf", bytes(range(32)))
OTHER = SigningKey("gridward/dorf", bytes(32))
ROOT = bytes(range(32))
# the example of golang.org/x/mod/sumdb/note: key pair, text and signature
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_keys_and_signatures_are_those_of_other_tools() -> None:
    key = read_signing_key(PRIVATE)
    assert (key.public.text, key.text) == (PUBLIC, PRIVATE)
    assert read_public_keys(f"\n{PUBLIC}\n") == (key.public,)
    told = base64.b64decode(SIGNATURE)
    assert told[:4] == key.public.key_id
    key.public._verifier.verify(told[4:], TEXT)
    assert key._signer.sign(TEXT) == told[4:]


def test_a_note_is_what_the_format_says() -> None:
    signed = KEY.sign(1234, ROOT)
    lines = note(signed).split("\n")
    assert lines[:4] == ["gridward/dorf", "1234", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith("— gridward/dorf ")
    assert lines[5:] == [""]
    assert read_note(lines) == signed
    assert KEY.public.has_signed(signed)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: SignedCheckpoint(Checkpoint(s.checkpoint.origin, 1235, ROOT), s.key, s.key_id, s.signature),
        lambda s: SignedCheckpoint(Checkpoint("gridward/x", 1234, ROOT), s.key, s.key_id, s.signature),
        lambda s: SignedCheckpoint(Checkpoint(s.key, 1234, bytes(32)), s.key, s.key_id, s.signature),
        lambda s: SignedCheckpoint(s.checkpoint, "gridward/x", s.key_id, s.signature),
        lambda s: SignedCheckpoint(s.checkpoint, s.key, bytes(4), s.signature),
        lambda s: SignedCheckpoint(s.checkpoint, s.key, s.key_id, bytes(64)),
        lambda s: OTHER.sign(1234, ROOT),
    ],
)
def test_nothing_else_passes_for_signed(change: Callable[[SignedCheckpoint], SignedCheckpoint]) -> None:
    assert not KEY.public.has_signed(change(KEY.sign(1234, ROOT)))


def test_an_entry_of_the_journal_holds_the_same() -> None:
    signed = KEY.sign(7, ROOT)
    told = of_entry(
        7, base64.b64encode(ROOT).decode(), "gridward/dorf", base64.b64encode(signed.signature).decode()
    )
    assert KEY.public.has_signed(told)
    assert note(told, lambda _: KEY.public.key_id) == note(signed)
    with pytest.raises(NoteRejected, match="id of the key"):
        note(told)
    with pytest.raises(NoteRejected, match="signature of 64 bytes"):
        of_entry(7, base64.b64encode(ROOT).decode(), "gridward/dorf", "AAAA")


def test_a_file_of_notes_with_one_that_was_cut_off() -> None:
    first, second = KEY.sign(1, ROOT), KEY.sign(2, ROOT)
    text = f"{note(first)}\n{note(second)}\n{note(second)[:40]}"
    found = list(read_notes(text))
    assert [line for line, _ in found] == [1, 7, 13]
    assert [told for _, told in found[:2]] == [first, second]
    assert isinstance(found[2][1], NoteRejected)
    assert list(read_notes("")) == []
    assert list(read_notes(note(first))) == [(1, first)]
    torn = f"{note(first)[:40]}{note(second)}"  # a writer died, the next one went on
    assert isinstance(next(read_notes(torn))[1], NoteRejected)
    for cut in range(1, len(note(first)) - 1):
        told = [one for _, one in read_notes(f"{note(first)[:cut]}\n{note(second)}")]
        assert [type(one) for one in told] == [NoteTorn, SignedCheckpoint], cut
    for at, letter in enumerate(note(first)):
        altered = f"{note(first)[:at]}{'0' if letter != '0' else '1'}{note(first)[at + 1 :]}"
        told = [one for _, one in read_notes(f"{altered}\n{note(second)}")]
        assert not any(isinstance(one, NoteTorn) for one in told), at


def test_one_note_has_one_text() -> None:
    """The last letter of 32 bytes in base64 has two bits that say nothing."""
    lines = note(KEY.sign(7, ROOT)).split("\n")
    assert lines[2].endswith("8=")
    with pytest.raises(NoteRejected, match="one base64 form"):
        read_note([*lines[:2], f"{lines[2][:-2]}9=", *lines[3:]])


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for _, told in read_notes(text):
        assert isinstance(told, SignedCheckpoint | NoteRejected)
    for read in (read_public_keys, read_signing_key):
        with pytest.raises(NoteRejected):
            read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "there is none"),
        (KEY.text, "this is the signing key"),
        (KEY.public.text.replace("gridward/dorf+", "gridward/dorf+0"), "id is that of its bytes"),
        ("gridward/dorf+00000000+AAAA", "an Ed25519 key"),
    ],
)
def test_what_is_no_public_key_says_why(text: str, expected: str) -> None:
    with pytest.raises(NoteRejected, match=expected):
        read_public_keys(text)


def test_an_altered_signing_key_is_refused() -> None:
    with pytest.raises(NoteRejected, match="one of them was altered"):
        read_signing_key(KEY.text.replace("dorf", "stadt"))
    with pytest.raises(NoteRejected, match="begins with PRIVATE"):
        read_signing_key(KEY.public.text)


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("dorf", "gridward/dorf"),
        ("Netz Süd + West", "gridward/Netz-Süd-West"),
        ("++", "gridward/site"),
    ],
)
def test_a_key_is_named_after_its_site(site: str, name: str) -> None:
    assert key_name(site) == name
    assert SigningKey(name, bytes(32)).public.name == name
