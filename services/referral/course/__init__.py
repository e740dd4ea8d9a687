"""A course on its way: which sessions were held, and what follows from the first and the last."""
