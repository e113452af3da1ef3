"""What the destination decides, with no I/O, no clock, no environment and no logging: values in, values out."""
