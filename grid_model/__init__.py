"""Numbers only: networks, load flow, violations, location and allocation.

No I/O beyond loading a network, no clock.
"""

import os
import sys

# A feeder has small matrices: a second BLAS thread gains nothing, and where other processes want the cores
# it spins for them and makes a load flow of 0.1 ms take 10. OpenBLAS reads this once, when NumPy is loaded.
if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

SINGLE_THREADED_BLAS = os.environ.get("OPENBLAS_NUM_THREADS") == "1"
"""False where NumPy was loaded first, or somebody wants threads: then large dense products are avoided."""
