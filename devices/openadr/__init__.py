"""OpenADR 3: a VTN of our own, and business logic for it or for somebody else's [6]."""
