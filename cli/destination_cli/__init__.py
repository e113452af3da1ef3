"""The `destination` command, for the people who set a stack up and run it."""
