"""The scheduling engine: plain functions over plain data, with no clock, no I/O and no messages.

Days are whole numbers, and a day that 7 divides is a Monday; slots are positions on a day's grid;
distances and prices are whole metres; a request's kind is the row of `Supply.may` that tells which
classes of therapists can take it.

One citizen at once: `online.propose` in a provider's calendar, by `priced` and `limits`; `single`
and `keeping` are the same over the flow's tables, for simulations. All together: `flow.assign`,
exact; `mixed.plan` where sessions are bound to each other, with a gap; `replan.Replan` each
evening, with a `forecast` or without; `change.replan` when capacity is gone;
`courses.plan_courses` for what follows the first session. `simulate` runs a policy evening by
evening.
"""
