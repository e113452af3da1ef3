"""The sObjects of a new org: the standard fields as Salesforce has them, and the demo's custom ones."""
