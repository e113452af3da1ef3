"""`destination status`: what a stack is doing, and what a person has to look at."""
