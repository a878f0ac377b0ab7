"""Who may do what through the API: accounts, sessions, tokens and roles."""
