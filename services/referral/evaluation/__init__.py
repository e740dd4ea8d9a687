"""Evaluation: forms asked before, after and six months on; figures without identities."""
