"""What a change of locations would mean: the question, the world it is asked of, the answer."""
