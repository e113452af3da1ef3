"""An org that only answers: what Salesforce would, as fast as Python can, after the time that it is told to take."""
