"""The demo: two municipalities, two hospitals and a morning of documents."""
