"""`destination prove`: tries in a sandbox what this software knows of Salesforce by inference only."""
