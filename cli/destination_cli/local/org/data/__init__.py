"""The sObjects of a new org: standard fields with their true lengths, types and flags, and the custom fields of the demo."""
