"""`gridward check`: one snapshot, checked, located, cut and checked again. `command.py` is the path."""
