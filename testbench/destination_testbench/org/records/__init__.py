"""Records: kept, checked, written, and changed by hand."""
