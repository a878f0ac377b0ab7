"""Journal entries as plain English sentences: one module for each subject, `telling` for all."""
