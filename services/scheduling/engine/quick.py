"""The online rule over a stretch of days in one go: milliseconds where a plan each evening takes
seconds.

Told the same evening, a rule that books one citizen at a time never frees what it took, so one
shelf serves the whole stretch, and whoever finds nothing on the evening they come finds nothing
later.
"""

from __future__ import annotations

import numpy as np

from services.scheduling.engine.model import Ints, Plan, Requests, Supply
from services.scheduling.engine.price import Price
from services.scheduling.engine.simulate import Outcome
from services.scheduling.engine.single import Rule, Shelf, citizens


def simulate_online(
    requests: Requests, arrivals: Ints, supply: Supply, rule: Rule, price: Price
) -> Outcome:
    """What `simulate` gives for `OneByOne` told the same evening; rows in ascending order of id."""
    plan = Plan.empty(len(requests))
    told = np.full(len(requests), -1)
    shelf = Shelf(supply)
    every = citizens(requests)
    for row in np.lexsort((requests.ids, arrivals)).tolist():
        evening = int(arrivals[row])
        if every[row].last <= evening:
            continue
        choice = rule(every[row], shelf, price, evening)
        if choice is None:
            continue
        shelf.take(choice)
        plan.taker[row], plan.place[row], plan.day[row], plan.slot[row] = choice
        told[row] = evening
    return Outcome(plan=plan, told=told)
