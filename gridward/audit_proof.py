"""`gridward audit prove`, `consistency` and `check-proof`: to show one entry to somebody without the rest."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from controller.auditing import proofs
from controller.auditing.checkpoints import PublicKey
from controller.entries import Entry
from controller.errors import RecordBroken
from controller.stores.pages import decoded
from controller.stores.port import Record
from gridward.stored_record import Place, is_of_store


def proof_path(text: str) -> Path:
    """A file to write: never by mistake the store itself."""
    path = Path(text)
    if path.suffix.lower() != ".json":
        raise argparse.ArgumentTypeError(f"{text!r}: expected a file that ends in .json")
    return path


def prove(record: Record, what: str, out: Path, *, store: Place, as_json: bool) -> int:
    """Of an entry by its number, or of all entries of a request. 2 where there is nothing sealed to prove."""

    def is_wanted(seq: int, entry: Entry) -> bool:
        return seq == int(what) if what.isdecimal() else getattr(entry, "request", None) == what

    journal = proofs.gather(record.rows(), is_wanted)
    left = 0

    def made() -> proofs.Proof:
        nonlocal left
        proof = proofs.prove_inclusion(journal)
        left = len(journal.wanted) - len(proof.entries)
        return proof

    status = _write(made, out, store)
    if status == 0:
        proven = len(journal.wanted) - left
        if as_json:
            print(json.dumps({"proven": proven, "not_sealed_yet": left, "out": str(out)}, ensure_ascii=False))
        else:
            later = f"; {left} more are not sealed yet" if left else ""
            print(f"{out}: {proven} {'entry' if proven == 1 else 'entries'} of {what}{later}")
    return status


def consistency(record: Record, first: int, second: int, out: Path, *, store: Place, as_json: bool) -> int:
    """Between the checkpoints of two sizes. 2 where there is none of such a size."""
    journal = proofs.gather(record.rows(), lambda seq, entry: False)
    status = _write(lambda: proofs.prove_consistency(journal, first, second), out, store)
    if status == 0 and as_json:
        print(json.dumps({"first": first, "second": second, "out": str(out)}, ensure_ascii=False))
    elif status == 0:
        print(f"{out}: the journal of {second} entries begins with that of {first}")
    return status


def _write(make: Callable[[], proofs.Proof], out: Path, store: Place) -> int:
    try:
        if is_of_store(out, store):
            raise proofs.NothingSealed(f"{out}: this is the store; expected another file to write to")
        out.write_bytes(proofs.written(make()))
    except (proofs.NothingSealed, OSError) as error:
        print(f"gridward: {error}", file=sys.stderr)
        return 2
    return 0


def check_proof(path: Path, keys: tuple[PublicKey, ...], *, as_json: bool) -> int:
    """0 proven; 1 not proven; 2 where the file cannot be read."""
    fault = None
    told: list[str] = []
    try:
        proof = proofs.read(path.read_bytes())
        proofs.check(proof, keys)
        told = _told(proof)
    except OSError as error:
        print(f"gridward: {path}: {error.strerror or error}", file=sys.stderr)
        return 2
    except proofs.ProofRejected as error:
        fault = str(error)
    if as_json:
        print(json.dumps({"proven": fault is None, "fault": fault, "told": told}, ensure_ascii=False))
    else:
        print(f"NOT PROVEN: {fault}" if fault else "\n".join(told))
    return 0 if fault is None else 1


def _told(proof: proofs.Proof) -> list[str]:
    if isinstance(proof, proofs.Consistency):
        one, two = proof.first, proof.second
        begins = f"the journal of {two.size} entries begins with that of {one.size}"
        return [f"proven: {begins}; signed by {two.key}"]
    seal = proof.checkpoint
    lines = [f"proven: in the journal of {seal.size} entries that {seal.key} signed stand"]
    for proven in proof.entries:
        lines.append(f"  entry {proven.seq}{_at(proven)}: {proven.body}")
    return lines


def _at(proven: proofs.ProvenEntry) -> str:
    """When it was written; nothing where this version does not know such an entry: that is proven, too."""
    try:
        return f", {decoded(proven.seq, proven.body).at:%Y-%m-%d %H:%M:%S} UTC"
    except RecordBroken:
        return ""
