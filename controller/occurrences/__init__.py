"""Events looked back on: found in the journal, told step by step, replayed on recorded states, exported."""
