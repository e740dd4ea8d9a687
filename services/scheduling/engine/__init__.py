"""The scheduling engine: plain functions over plain data, with no clock, no I/O and no messages.

Days are whole numbers, and a day that 7 divides is a Monday; slots are positions on a day's grid;
distances and prices are whole metres; a request's kind is the row of `Supply.may` that tells which
classes of therapists can take it.
"""
