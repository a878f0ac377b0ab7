"""Studies: many scenarios in parallel, what came of them in one table, and what a planner asks of it."""
