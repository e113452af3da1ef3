"""`destination explain`: what happened to one contact's messages, and what the org holds."""
