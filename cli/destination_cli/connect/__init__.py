"""`destination connect`: credentials are asked for, tried, and only then stored."""
