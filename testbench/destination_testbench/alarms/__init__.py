"""The template's alarms and dashboard, tried without an AWS account.

`stage` runs the real functions with a fault switched on; what they emit, and a model of what SQS, Lambda and API
Gateway publish beside it, goes through an evaluator of CloudWatch's documented rules. Nothing here is deployed.
"""
