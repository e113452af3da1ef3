"""Users, apps, and the ways in which they log in."""
