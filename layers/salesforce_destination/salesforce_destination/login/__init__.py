"""The use case of the refresh function: credentials in, an access token out."""
