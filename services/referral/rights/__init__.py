"""Citizens' rights over their data: who has looked, what is kept, and its erasure."""
