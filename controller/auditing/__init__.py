"""The journal before others: seals and proofs, the story of a request, the table for regulators."""
