"""Makes a Kafka cluster what the cluster file says: compares, says every difference, applies."""
