"""The tree against a reference that is written as RFC 9162 defines it, and against published vectors."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.auditing import merkle

VECTOR = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
"""the leaves that implementations of Certificate Transparency share as test data"""
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
LISTS = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """MTH, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = largest_power_below(len(leaves))
    return hashlib.sha256(b"\x01" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def largest_power_below(n: int) -> int:
    power = 1
    while power * 2 < n:
        power *= 2
    return power


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH, word by word."""
    if len(leaves) == 1:
        return []
    split = largest_power_below(len(leaves))
    if index < split:
        return [*path_of(index, leaves[:split]), root_of(leaves[split:])]
    return [*path_of(index - split, leaves[split:]), root_of(leaves[:split])]


def test_for_several_leaves_the_tree_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    leaf_hash = merkle.leaf_hash

    def counted(data: bytes) -> bytes:
        hashed.append(data)
        return leaf_hash(data)

    monkeypatch.setattr(merkle, "leaf_hash", counted)
    assert merkle.inclusion_proofs(VECTOR, [6, 0]) == [tuple(path_of(6, VECTOR)), tuple(path_of(0, VECTOR))]
    assert len(hashed) == len(VECTOR)
    with pytest.raises(IndexError):
        merkle.inclusion_proofs(VECTOR, [0, 8])


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_published_roots(size: int, root: str) -> None:
    assert merkle.Frontier(VECTOR[:size]).root().hex() == root


@given(LISTS)
def test_the_compact_form_has_the_root_of_the_definition_at_every_size(leaves: list[bytes]) -> None:
    frontier = merkle.Frontier()
    for size, data in enumerate(leaves, start=1):
        frontier.append(data)
        assert (frontier.size, frontier.root()) == (size, root_of(leaves[:size]))
        assert len(frontier._peaks) == size.bit_count()


@given(LISTS, st.data())
def test_a_leaf_is_proven_where_it_is_and_nowhere_else(leaves: list[bytes], data: st.DataObject) -> None:
    size, root = len(leaves), root_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(leaves, index)
    assert list(proof) == path_of(index, leaves)
    leaf = merkle.leaf_hash(leaves[index])
    assert merkle.is_included(leaf, index, size, proof, root)
    assert not merkle.is_included(merkle.leaf_hash(leaves[index] + b"!"), index, size, proof, root)
    assert not merkle.is_included(leaf, index, size, (*proof, root), root)
    for wrong in {index - 1, index + 1, size}:
        other = 0 <= wrong < size and leaves[wrong] == leaves[index]
        assert other or not merkle.is_included(leaf, wrong, size, proof, root)
    if proof:
        assert not merkle.is_included(leaf, index, size, proof[:-1], root)


@given(LISTS, st.data())
def test_a_longer_list_is_proven_to_begin_with_the_shorter(leaves: list[bytes], data: st.DataObject) -> None:
    second = len(leaves)
    first = data.draw(st.integers(1, second))
    proof = merkle.consistency_proof(leaves, first)
    before, now = root_of(leaves[:first]), root_of(leaves)
    assert merkle.is_consistent(first, before, second, now, proof)
    forged = [*leaves[: first - 1], leaves[first - 1] + b"!"]
    assert not merkle.is_consistent(first, root_of(forged), second, now, proof)
    assert not merkle.is_consistent(first, before, second, root_of([*leaves, b""]), proof)
    assert not merkle.is_consistent(first, before, second, now, (*proof, now))
    if proof:
        assert not merkle.is_consistent(first, before, second, now, proof[1:])


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(0, 9), st.lists(st.binary(min_size=32, max_size=32), max_size=6))
def test_any_hashes_prove_nothing(size: int, index: int, proof: list[bytes]) -> None:
    root = root_of([bytes([n]) for n in range(size)])
    assert not merkle.is_included(b"x" * 32, index, size, proof, root)
    assert not merkle.is_consistent(size, root, size + index + 1, b"y" * 32, proof)


def test_what_is_not_in_the_list_has_no_proof() -> None:
    for index in (-1, 8):
        with pytest.raises(IndexError):
            merkle.inclusion_proof(VECTOR, index)
    for first in (0, 9):
        with pytest.raises(IndexError):
            merkle.consistency_proof(VECTOR, first)
