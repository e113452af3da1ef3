"""The org's own paths: what a person or a test sets and asks."""
