"""Before anything else is imported: see `gridward`."""

import gridward  # noqa: F401  # sets what must be set before NumPy is loaded
