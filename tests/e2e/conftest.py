"""Before any process is started."""

import signal

# What runs in the background of a shell is started deaf to Ctrl-C, and so would be all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
