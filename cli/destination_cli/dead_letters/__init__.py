"""`destination dead-letters`: why messages were rejected, and how they get back on the queue."""
