"""The destination file: what a marketer writes, and what is wrong with it."""
