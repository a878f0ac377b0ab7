"""The command line and the wiring: the only room that knows all others."""

import os

# Matrices here are small: more threads only wait for each other, and on a busy machine a solve of 10 µs
# becomes 500. BLAS reads this once, when NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
