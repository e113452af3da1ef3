"""What goes wrong on request, and the shapes of Salesforce's errors."""
