"""The `genvej` command."""
