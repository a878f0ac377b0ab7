"""Numbers only: networks, load flow, violations, location and allocation. No I/O beyond loading a network, no
clock."""

import os

# The matrices of a feeder are small: a second BLAS thread gains nothing, and where other processes want the
# cores it spins for them and makes a load flow of 0.1 ms take 10. NumPy reads this once, when it is first
# imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
