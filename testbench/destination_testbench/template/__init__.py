"""template.yaml, read as CloudFormation would read it."""
