"""The deeper run: `python -m tests.controller.lifecycle --examples 3000 --steps 60 --seed 1`.

Prints the seed first and what was run last; with `--planted`, how many examples it takes to find each of the
faults that are planted on purpose.
"""

import argparse
import secrets
import time
from collections.abc import Callable

import gridward  # noqa: F401  # sets what must be set before NumPy is loaded
from tests.controller.lifecycle.planted import PLANTED, planted
from tests.controller.lifecycle.runs import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.controller.lifecycle")
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.examples} examples of up to {options.steps} steps", flush=True)
    began = time.process_time()
    if options.planted:
        for fault in PLANTED:
            _find(fault, options.seed, options.examples, options.steps)
    else:
        print(run(options.seed, options.examples, options.steps))
    print(f"{time.process_time() - began:.0f} s of CPU")


def _find(fault: Callable[..., None], seed: int, examples: int, steps: int) -> None:
    found = "NOT FOUND"
    with planted(fault):
        try:
            run(seed, examples, steps, shrink=False)
        except Exception as error:  # noqa: BLE001  whatever it raises, it was found
            found = f"{type(error).__name__}: {str(error)[:110]}"
    print(f"{fault.__name__:28} {found}", flush=True)


main()
