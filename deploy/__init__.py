"""The ways to run Genvej."""
