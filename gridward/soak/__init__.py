"""Kills the writer of a record, or a whole daemon, again and again, and lets an independent judge look."""
