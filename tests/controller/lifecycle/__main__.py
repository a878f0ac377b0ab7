"""The deeper run: `python -m tests.controller.lifecycle --examples 3000 --steps 60 --seed 1`.

Prints the seed first and what was run last: the short evenings, then the walk. With `--planted`, which of the
faults that are planted on purpose each short evening finds; it ends with 1 when one is not found.
"""

import argparse
import secrets
import sys
import time

import gridward  # noqa: F401  # sets what must be set before NumPy is loaded
from tests.controller.lifecycle.judge import Broken
from tests.controller.lifecycle.planted import PLANTED, planted
from tests.controller.lifecycle.runs import run, run_scenario
from tests.controller.lifecycle.scenarios import SCENARIOS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.controller.lifecycle")
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.examples} examples of up to {options.steps} steps", flush=True)
    began = time.process_time()
    missed = 0
    if options.planted:
        missed = sum(not _finds(fault, options.seed, options.examples) for fault in PLANTED)
        print(f"found {len(PLANTED) - missed} of {len(PLANTED)} planted faults")
    else:
        for scenario in SCENARIOS:
            requests = run_scenario(scenario, options.seed, options.examples)
            print(f"{scenario.__name__}: {requests} requests", flush=True)
        print(run(options.seed, options.examples, options.steps))
    print(f"{time.process_time() - began:.0f} s of CPU")
    sys.exit(1 if missed else 0)


def _finds(fault: str, seed: int, examples: int) -> bool:
    found = ""
    with planted(fault):
        try:
            run_scenario(PLANTED[fault], seed, examples, shrink=False)
        except Broken as broken:
            found = str(broken)[:90]
    print(f"{fault:28} {found or 'NOT FOUND'}", flush=True)
    return bool(found)


main()
