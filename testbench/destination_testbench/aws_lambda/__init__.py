"""What stands in for Lambda: processes, event source mappings, schedules."""
