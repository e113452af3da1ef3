"""A Salesforce CRM destination: profiles from a queue become records in Salesforce."""
