"""`gridward mapping`: load without a meter, and wrong plans; `command.py` is the path through it."""
