"""The three services. Each owns its Postgres; they meet only on Kafka topics."""
