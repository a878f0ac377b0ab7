"""An emulated field on simulated time or on the real protocols, its scenarios, its judge and its report."""
