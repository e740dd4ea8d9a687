"""What planners hand in as files: rosters, past requests, places; and the page they get back."""
