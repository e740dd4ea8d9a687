"""Turns orders into sessions with therapists and rooms, inside the limit."""
