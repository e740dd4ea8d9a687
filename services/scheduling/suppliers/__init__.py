"""Private suppliers: their orders, and the sessions that they state by calendars of their own."""
