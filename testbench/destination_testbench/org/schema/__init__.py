"""What an org can hold: sObjects, their fields, and how it describes them."""
