"""The exact plan: a min-cost flow over everybody who has not been told yet.

Exact for one-slot sessions whose therapist has a fixed place each day: every arc of the factored
network (`network.py`) then carries a whole number in some optimum, and the solver finds one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ortools.graph.python import min_cost_flow

from services.scheduling.engine.model import Ints, Plan, Requests, Supply
from services.scheduling.engine.network import Arcs, Held, Network
from services.scheduling.engine.price import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A plan and its price in metres, requests without a session included at theirs.

    No plan costs less than `bound`; where that is the cost, the plan is optimal.
    """

    plan: Plan
    cost: int
    bound: int

    @property
    def gap(self) -> float:
        """The share of the cost that another plan could save at most."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0


class FlowFailedError(RuntimeError):
    """The solver gave no optimum: a fault of the network, never of the data."""


def assign(
    requests: Requests,
    supply: Supply,
    price: Price,
    *,
    never: Ints | None = None,
    held: Held | None = None,
) -> Solution:
    """Plans all requests at the least total price; the same input always gives the same plan.

    `never` is what it costs, row by row, to leave somebody without a session: the price's own where
    it is not given. `held` are bookings already told: one that the supply still covers moves only
    where that saves more than a move costs. Rows must be in ascending order of id
    (`Requests.in_order`), which makes the plan the same whatever order they came in.
    """
    if len(requests) == 0:
        return Solution(plan=Plan.empty(0), cost=0, bound=0)
    reach = supply.between(int(requests.earliest.min()), int(requests.last.max()))
    never = price.of_never(requests.weight) if never is None else never
    network = Network(requests, reach, price, never, held)
    parts = (
        network.travel,
        network.never,
        network.wait,
        network.look,
        network.take,
        network.work,
        network.room,
        network.stay,
    )
    flows, cost = solve_flow(parts, citizens=(network.citizens, len(requests)))
    return Solution(plan=_read(network, parts, flows), cost=cost, bound=cost)


def solve_flow(parts: tuple[Arcs, ...], *, citizens: tuple[int, int]) -> tuple[list[Ints], int]:
    """The cheapest flow from the citizens (first node, how many) to node 0: what each part's arcs
    carry, and the price."""
    tail = np.concatenate([part.tail for part in parts])
    head = np.concatenate([part.head for part in parts])
    used, dense = np.unique(np.concatenate([tail, head]), return_inverse=True)
    size = len(tail)
    solver = min_cost_flow.SimpleMinCostFlow()
    first, many = citizens
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        dense[:size].astype(np.int32),
        dense[size:].astype(np.int32),
        np.minimum(np.concatenate([part.capacity for part in parts]), many),
        np.concatenate([part.cost for part in parts]),
    )
    supplies = np.zeros(len(used), np.int64)
    supplies[np.searchsorted(used, np.arange(first, first + many))] = 1
    supplies[0] = -many
    solver.set_nodes_supplies(np.arange(len(used), dtype=np.int32), supplies)
    if (status := solver.solve()) != solver.OPTIMAL:
        raise FlowFailedError(f"the min-cost flow ended as {status}")
    flows = solver.flows(arcs)
    cuts = np.cumsum([len(part) for part in parts])[:-1]
    return np.split(flows, cuts), solver.optimal_cost()


def _read(network: Network, parts: tuple[Arcs, ...], flows: list[Ints]) -> Plan:
    """Follows every citizen's unit of flow from node to node; where several leave a node, the
    lowest id takes the lowest arc."""
    travel, _, wait, look, take, _, _, stay = parts
    plan = Plan.empty(len(network.requests))
    going = flows[0] > 0
    rows = travel.tail[going] - network.citizens
    node = travel.head[going]
    for arcs, flow in ((wait, flows[2]), (look, flows[3]), (take, flows[4])):
        node = follow(rows, node, arcs, flow)
    staying = flows[7] > 0
    rows = np.concatenate([rows, stay.tail[staying] - network.citizens])
    node = np.concatenate([node, stay.head[staying]])
    if not len(rows):
        return plan
    units = network.units
    taker, unit = np.divmod(node - network.takers, units.count)
    plan.taker[rows] = taker
    _pick_slots(network, plan, rows, unit)
    return plan


def follow(rows: Ints, node: Ints, arcs: Arcs, flow: Ints) -> Ints:
    """The node after `node` for each row, along the arcs that carry flow; lower rows take lower
    arcs."""
    busy = np.flatnonzero(flow)
    busy = busy[np.lexsort((arcs.head[busy], arcs.tail[busy]))]
    heads = np.repeat(arcs.head[busy], flow[busy])
    after = np.empty_like(node)
    after[np.lexsort((rows, node))] = heads
    return after


def _pick_slots(network: Network, plan: Plan, rows: Ints, unit: Ints) -> None:
    """Gives each citizen of a class in a unit one of the slots in which that class is free."""
    supply, units = network.supply, network.units
    place, day, slot = np.nonzero(units.of_slot >= 0)
    of_unit = units.of_slot[place, day, slot]
    order = np.argsort(of_unit, kind="stable")
    starts = np.searchsorted(of_unit[order], np.arange(units.count + 1))
    taker = plan.taker[rows]
    queue = np.lexsort((rows, taker, unit))
    new = np.ones(len(queue), np.bool_)
    new[1:] = (np.diff(unit[queue]) != 0) | (np.diff(taker[queue]) != 0)
    for group in np.split(queue, np.flatnonzero(new)[1:]):
        here = unit[group[0]]
        slots = order[starts[here] : starts[here + 1]]
        free = supply.capacity[taker[group[0]], place[slots], day[slots], slot[slots]]
        chosen, who = np.repeat(slots, free)[: len(group)], rows[group]
        plan.place[who] = place[chosen]
        plan.day[who] = day[chosen] + supply.first_day
        plan.slot[who] = slot[chosen]
