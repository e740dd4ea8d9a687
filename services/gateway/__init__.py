"""The door for senders without Kafka: HTTP and a drop folder, onto each sender's own topic."""
