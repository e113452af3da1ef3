"""The resources of the data, Tooling and Metadata APIs."""
