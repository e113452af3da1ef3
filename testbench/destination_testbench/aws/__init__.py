"""What stands in for AWS: queues, secrets, API Gateway."""
