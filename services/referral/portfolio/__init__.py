"""The portfolio register: which provider has which offer, and how far it has come."""
