"""Longer sentences of Salesforce's that more than one resource says."""

from __future__ import annotations


def unsupported_type(name: str) -> str:
    """What Salesforce says of an sObject it has not."""
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the"
        " '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def no_such_column(name: str, sobject: str) -> str:
    """What Salesforce says of a field that a query asks for in vain."""
    return (
        f"No such column '{name}' on entity '{sobject}'. If you are attempting to use a custom field, be sure to append"
        " the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate"
        " names."
    )
