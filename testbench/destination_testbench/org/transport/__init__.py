"""The ways to an org: in the process, and over HTTP."""
