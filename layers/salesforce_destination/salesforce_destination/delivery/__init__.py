"""The use case of the deliver function: a batch of messages in, an outcome for each of them out."""
