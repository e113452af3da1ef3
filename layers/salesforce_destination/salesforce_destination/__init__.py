"""A Salesforce CRM destination: profiles from a queue become records in Salesforce."""

__version__ = "1.0.0"
"""The version of pyproject.toml. Lambda has no package metadata to ask, so it stands here too; a test compares them."""

USER_AGENT = f"salesforce-destination/{__version__}"
"""By this an org's event log tells these calls from others."""
