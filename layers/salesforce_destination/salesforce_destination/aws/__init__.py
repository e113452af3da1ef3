"""The AWS edge: SQS, Secrets Manager, the log and the metrics."""
