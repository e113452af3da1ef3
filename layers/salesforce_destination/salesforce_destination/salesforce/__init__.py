"""The Salesforce edge: HTTP requests to the org, and logging in to it."""
