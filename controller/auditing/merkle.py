"""A Merkle tree over an append-only list, as RFC 9162 section 2.1 has it (the same tree as RFC 6962). Pure.

Its root seals all leaves and their order: 32 bytes that whoever holds them can later compare with. An
inclusion proof shows that one leaf is under a root, a consistency proof that a longer list begins with a
shorter one; both are O(log n) hashes and need nothing else of the list. Knows no journal and no key.

Data is bytes of any length, hashes are SHA-256: 32 bytes each.
"""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""of a list without leaves"""
HASH_BYTES = 32


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right): another prefix, so that no node can pass for a leaf."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """What has to be kept of the list to go on: the roots of its complete subtrees, O(log n) of them."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        """how many leaves"""
        self._peaks: list[bytes] = []
        for data in leaves:
            self.append(data)

    def append(self, data: bytes) -> None:
        """One more leaf."""
        peak, rest = leaf_hash(data), self.size
        while rest & 1:  # each one bit of the size is a complete subtree; equal ones join
            peak = node_hash(self._peaks.pop(), peak)
            rest >>= 1
        self._peaks.append(peak)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes beside the way from leaf `index` (from 0) up to the root (RFC 9162, 2.1.3.1).

    Raises IndexError for a leaf that is not there.
    """
    (proof,) = inclusion_proofs(leaves, [index])
    return proof


def inclusion_proofs(leaves: Sequence[bytes], indices: Sequence[int]) -> list[tuple[bytes, ...]]:
    """The same of several leaves, in their order; the tree is built once. Raises IndexError."""
    for index in indices:
        if not 0 <= index < len(leaves):
            raise IndexError(f"leaf {index} of {len(leaves)}")
    proofs: list[list[bytes]] = [[] for _ in indices]
    row, height = [leaf_hash(data) for data in leaves], 0
    while len(row) > 1:
        for proof, index in zip(proofs, indices, strict=True):
            beside = (index >> height) ^ 1
            if beside < len(row):
                proof.append(row[beside])
        row, height = _above(row), height + 1
    return [tuple(proof) for proof in proofs]


def _above(row: list[bytes]) -> list[bytes]:
    """The row of nodes above; a last one without a partner goes up as it is."""
    joined = [node_hash(row[place], row[place + 1]) for place in range(0, len(row) - 1, 2)]
    return joined + row[len(joined) * 2 :]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that a leaf hash is at `index` under the root of `size` leaves (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, reached = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False  # more hashes than the tree is high
        if place & 1 or place == last:
            reached = node_hash(beside, reached)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1  # it went up alone
        else:
            reached = node_hash(reached, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and reached == root


def consistency_proof(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """Hashes that show that all leaves begin with the first `first` of them (RFC 9162, 2.1.4.1).

    Raises IndexError unless 1 <= first <= number of leaves.
    """
    if not 1 <= first <= len(leaves):
        raise IndexError(f"the first {first} of {len(leaves)} leaves")
    return tuple(_consistency(leaves, first, whole=True))


def _consistency(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    """SUBPROOF of the RFC; `whole`: the first tree's root is what the verifier knows already."""
    if first == len(leaves):
        return [] if whole else [Frontier(leaves).root()]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    left, right = leaves[:split], leaves[split:]
    if first <= split:
        return [*_consistency(left, first, whole=whole), Frontier(right).root()]
    return [*_consistency(right, first - split, whole=False), Frontier(left).root()]


def is_consistent(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows that the list of `second` leaves begins with that of `first` (2.1.4.2)."""
    if not 1 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, first_root)  # a complete tree is its own first node
    if not path:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    of_first = of_second = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            of_first, of_second = node_hash(beside, of_first), node_hash(beside, of_second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            of_second = node_hash(of_second, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and of_first == first_root and of_second == second_root
