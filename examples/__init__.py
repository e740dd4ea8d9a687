"""Small consumers that others could have written."""
