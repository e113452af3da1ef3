"""What comes in: message bodies, profiles, identities, memberships and their times."""
