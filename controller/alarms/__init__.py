"""What needs an operator, by ISA-18.2: raised, acknowledged, shelved, counted."""
