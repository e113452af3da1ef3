"""What goes out: records, the org's description of an object, composite requests, and what an answer means."""
