"""From a profile to the update of a record, as the destination file says."""
