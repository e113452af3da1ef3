"""What may be stored in a field, type by type."""
