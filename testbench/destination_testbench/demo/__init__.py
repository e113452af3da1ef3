"""`make demo`: 1,000 profiles delivered to a simulated org, and what became of each."""
