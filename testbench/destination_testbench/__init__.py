"""What stands in for AWS, Lambda and Salesforce in tests, simulations and on one machine."""
