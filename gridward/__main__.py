"""`python -m gridward` is `gridward`."""

from gridward.cli import main

raise SystemExit(main())
