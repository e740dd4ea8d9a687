"""Tells citizens what concerns them: in time, once, and never more than they should know."""
