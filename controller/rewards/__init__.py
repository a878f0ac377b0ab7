"""What customers earn and what they use it for: accounts, rules, redemptions, statements."""
