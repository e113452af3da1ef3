"""`destination send`: a file of profiles onto the queue, for the first load."""
