"""What delivering costs, measured beside what one would take instead (`make bench`), and how far it goes."""
