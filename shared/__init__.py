"""Mechanism and contracts that all services use; no word of the domain."""
