"""Who is supplied where, what they own, how they are told. Knows nobody."""
