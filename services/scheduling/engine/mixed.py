"""The plan where a flow is not exact: sessions of several lengths, weekly hours, shared equipment,
and staff whose place is chosen day by day.

Citizens go from their homes to a day at a place as in the flow (`network.py`); from there each
session takes a therapist's slots in a row, which are whole numbers of a mixed-integer program. With
those given the rest is a flow again, so nothing else need be whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from services.scheduling.engine.flow import Solution, assign, follow, solve_flow
from services.scheduling.engine.mip import Program
from services.scheduling.engine.model import Bools, Ints, InvalidInputError, Plan, Requests, Supply
from services.scheduling.engine.network import Arcs, Network
from services.scheduling.engine.price import Price

NO_LIMIT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What binds sessions to each other beside therapists and rooms.

    `slots[row]` is how many slots in a row a session takes, `uses[row, equipment]` what it needs,
    and `equipment[equipment, place]` how many of that there are. `week_slots[class]` is how many
    slots a therapist works in a week at most (`NO_LIMIT`: as many as are free). Who is `floating`
    is at one place a day, whichever the plan chooses.
    """

    slots: Ints
    uses: Bools
    equipment: Ints
    week_slots: Ints
    floating: Bools

    @staticmethod
    def none(requests: Requests, supply: Supply) -> Extras:
        """No bonds: one slot each, no equipment, no weekly hours, everybody in their place."""
        classes = len(supply.capacity)
        return Extras(
            slots=np.ones(len(requests), np.int64),
            uses=np.zeros((len(requests), 0), np.bool_),
            equipment=np.zeros((0, supply.places), np.int64),
            week_slots=np.full(classes, NO_LIMIT),
            floating=np.zeros(classes, np.bool_),
        )

    def checked(self, requests: Requests, supply: Supply) -> Extras:
        """Itself; raises `InvalidInputError` where it does not fit requests and supply."""
        shapes = {
            "slots": (self.slots.shape, (len(requests),)),
            "uses": (self.uses.shape, (len(requests), len(self.equipment))),
            "equipment": (self.equipment.shape, (len(self.equipment), supply.places)),
            "week_slots": (self.week_slots.shape, (len(supply.capacity),)),
            "floating": (self.floating.shape, (len(supply.capacity),)),
        }
        for name, (found, wanted) in shapes.items():
            if found != wanted:
                raise InvalidInputError(f"{name} has the shape {found}, not {wanted}")
        if (self.slots < 1).any() or (self.slots > supply.slots).any():
            raise InvalidInputError(f"a session takes 1 to {supply.slots} slots")
        if (self.equipment < 0).any():
            raise InvalidInputError("less than no equipment")
        if not self.simple and (supply.capacity > 1).any():
            raise InvalidInputError("with such bonds each therapist must be a class of their own")
        return self

    @property
    def simple(self) -> bool:
        """Whether a flow is exact."""
        return bool(
            (self.slots == 1).all()
            and not self.uses.any()
            and (self.week_slots < 0).all()
            and not self.floating.any()
        )

    def take(self, rows: Ints | Bools) -> Extras:
        """Those of the chosen requests."""
        return replace(self, slots=self.slots[rows], uses=self.uses[rows])


def plan(
    requests: Requests,
    supply: Supply,
    price: Price,
    extras: Extras | None = None,
    *,
    gap: float = 0.0,
    seconds: float = 60.0,
) -> Solution:
    """Plans all requests at the least total price, by the flow where that is exact.

    Stops at the given gap (the share of the cost that a better plan could save at most), or after
    `seconds` with the best found; `Solution.bound` tells how far it is. Rows must be in ascending
    order of id. A plan that stopped at its gap is the same for the same input; one that ran out of
    time need not be. Raises `InvalidInputError` for extras that do not fit.
    """
    extras = Extras.none(requests, supply) if extras is None else extras
    if len(requests) == 0 or extras.checked(requests, supply).simple:
        return assign(requests, supply, price)
    first, last = int(requests.earliest.min()), int(requests.last.max())
    return _Mixed(requests, supply.between(first, last), price, extras).solve(gap, seconds)


class _Mixed:
    """One program: its columns are the network's arcs to a day, then whole sessions."""

    def __init__(self, requests: Requests, supply: Supply, price: Price, extras: Extras) -> None:
        self.requests, self.supply, self.extras = requests, supply, extras
        bonds = np.column_stack([requests.kind, extras.slots, extras.uses])
        self.kinds, kind = np.unique(bonds, axis=0, return_inverse=True)
        self.of_kind = replace(requests, kind=kind.reshape(-1))
        looser = replace(supply, may=supply.may[self.kinds[:, 0]])
        self.network = Network(self.of_kind, looser, price, price.of_never(requests.weight))
        self.windows = np.unique(requests.window)
        self.cells, self.sessions = self._sessions()

    def _sessions(self) -> tuple[Ints, Ints]:
        """Every session there can be: its cell (kind, window, place, day), and kind, class, place,
        day, first slot."""
        supply = self.supply
        asked = np.unique(np.stack([self.of_kind.kind, self.network.window]), axis=1)
        cells, found = [], []
        for kind, window in asked.T.tolist():
            length = int(self.kinds[kind, 1])
            free = (supply.capacity > 0) & (supply.rooms > 0)
            free &= supply.may[self.kinds[kind, 0]][:, None, None, None]
            free &= (self.windows[window] >> np.arange(supply.slots)) & 1 == 1
            starts = free[..., : supply.slots - length + 1].copy()
            for later in range(1, length):
                starts &= free[..., later : supply.slots - length + 1 + later]
            taker, place, day, slot = np.nonzero(starts)
            at = self.network.cell(kind, window, place * self.network.days + day)
            cells.append(at)
            found.append(np.stack([np.full_like(slot, kind), taker, place, day, slot]))
        return np.concatenate(cells), np.concatenate(found, axis=1)

    def solve(self, gap: float, seconds: float) -> Solution:
        """The best plan found, and how cheap one could be at most."""
        network = self.network
        parts = (network.travel, network.never, network.wait)
        arcs = sum(len(part) for part in parts)
        most = np.concatenate([np.minimum(part.capacity, len(self.requests)) for part in parts])
        taker, place, day, slot = self.sessions[1:]
        floats = self._floats()
        free = self.supply.capacity[taker, place, day, slot]
        whole = len(free) + len(floats)
        program = Program(
            np.concatenate([*(part.cost for part in parts), np.zeros(whole, np.int64)]),
            np.concatenate([most, free, np.ones(len(floats), np.int64)]),
            np.arange(arcs, arcs + whole),
        )
        self._balance(program, parts)
        self._bind(program, arcs, floats)
        answer = program.solve(gap, seconds)
        held = np.rint(answer.values[arcs : arcs + len(free)]).astype(np.int64)
        return self._read(parts, held, answer.bound)

    def _floats(self) -> Ints:
        """Each (class, day, place) at which a floating therapist could be: class, day, place."""
        there = (self.supply.capacity > 0).any(3) & self.extras.floating[:, None, None]
        taker, place, day = np.nonzero(there)
        return np.stack([taker, day, place], axis=1)

    def _balance(self, program: Program, parts: tuple[Arcs, ...]) -> None:
        """Every citizen goes somewhere; whoever comes to a cell has a session there."""
        tail = np.concatenate([part.tail for part in parts])
        head = np.concatenate([part.head for part in parts])
        arc, session = np.arange(len(tail)), len(tail) + np.arange(len(self.cells))
        inner = head != 0
        nodes = np.concatenate([tail, head[inner], self.cells + self.network.cells])
        column = np.concatenate([arc, arc[inner], session])
        factor = np.ones(len(nodes), np.int64)
        factor[len(tail) : len(tail) + int(inner.sum())] = -1
        used, row = np.unique(nodes, return_inverse=True)
        first = self.network.citizens
        leaving = ((used >= first) & (used < first + len(self.requests))).astype(np.int64)
        program.add(row.reshape(-1), column, factor, least=leaving, most=leaving)

    def _bind(self, program: Program, arcs: int, floats: Ints) -> None:
        """No therapist, room or piece of equipment twice, nobody beyond their week."""
        supply, extras = self.supply, self.extras
        kind, taker, place, day, slot = self.sessions
        length = self.kinds[kind, 1]
        column = arcs + np.arange(len(kind))
        entry = np.repeat(np.arange(len(kind)), length)  # one for each slot of each session
        offset = np.arange(len(entry)) - np.repeat(np.cumsum(length) - length, length)
        at = slot[entry] + offset
        k, t, p, d = kind[entry], taker[entry], place[entry], day[entry]
        ones = np.ones(len(entry), np.int64)
        shape = supply.capacity.shape
        program.add(
            np.ravel_multi_index((t, p, d, at), shape),
            column[entry],
            ones,
            least=None,
            most=supply.capacity.reshape(-1),
        )
        if (supply.capacity > 0).sum(1).max(initial=0) > 1:  # somebody in several places at once
            busy = np.ravel_multi_index((t, d, at), (shape[0], *shape[2:]))
            together = supply.capacity.max(1)
            program.add(busy, column[entry], ones, least=None, most=together.reshape(-1))
        room = np.ravel_multi_index((p, d, at), shape[1:])
        program.add(room, column[entry], ones, least=None, most=supply.rooms.reshape(-1))
        for number, units in enumerate(extras.equipment):
            uses = self.kinds[k, 2 + number] > 0
            there = np.broadcast_to(units[:, None, None], shape[1:]).reshape(-1)
            program.add(room[uses], column[entry[uses]], ones[uses], least=None, most=there)
        self._weeks(program, column, length)
        if len(floats):
            self._stay(program, (t, p, d, at), column[entry], floats, arcs + len(kind))

    def _weeks(self, program: Program, column: Ints, length: Ints) -> None:
        taker, day = self.sessions[1], self.sessions[3]
        bound = self.extras.week_slots[taker] >= 0
        week = (self.supply.first_day + day) // 7 - self.supply.first_day // 7
        weeks = int(week.max(initial=0)) + 1
        most = np.repeat(self.extras.week_slots, weeks)
        row = taker * weeks + week
        program.add(row[bound], column[bound], length[bound], least=None, most=most)

    def _stay(
        self,
        program: Program,
        busy: tuple[Ints, Ints, Ints, Ints],
        column: Ints,
        floats: Ints,
        first: int,
    ) -> None:
        """Who floats works where they are that day, and is in one place only."""
        shape = self.supply.capacity.shape
        chosen = first + np.arange(len(floats))
        taker, day, place = floats.T
        _, row = np.unique(taker * shape[2] + day, return_inverse=True)
        once = np.ones(len(floats), np.int64)
        program.add(row.reshape(-1), chosen, once, least=None, most=once)
        of = np.full(shape[:3], -1)
        of[taker, place, day] = chosen
        t, p, d, at = busy
        there = of[t, p, d]
        held = there >= 0
        row = np.ravel_multi_index((t[held], p[held], d[held], at[held]), shape)
        used, dense = np.unique(row, return_inverse=True)
        where = of[np.unravel_index(used, shape)[:3]]
        zeros = np.zeros(len(used), np.int64)
        program.add(
            np.concatenate([dense.reshape(-1), np.arange(len(used))]),
            np.concatenate([column[held], where]),
            np.concatenate([np.ones(int(held.sum()), np.int64), -np.ones(len(used), np.int64)]),
            least=None,
            most=zeros,
        )

    def _read(self, parts: tuple[Arcs, ...], held: Ints, bound: float) -> Solution:
        """Gives the sessions to citizens: a flow once more, with each cell's sessions counted."""
        network, requests = self.network, self.requests
        counted = np.bincount(self.cells, weights=held, minlength=1).astype(np.int64)
        cell = np.flatnonzero(counted)
        given = Arcs.of(network.cells + cell, np.zeros(len(cell), np.int64), capacity=counted[cell])
        flows, cost = solve_flow((*parts, given), citizens=(network.citizens, len(requests)))
        going = flows[0] > 0
        rows = parts[0].tail[going] - network.citizens
        node = follow(rows, parts[0].head[going], parts[2], flows[2])
        made = Plan.empty(len(requests))
        order = np.lexsort((rows, node))
        rows, cells = rows[order], node[order] - network.cells
        sessions = np.repeat(np.arange(len(held)), held)
        sessions = sessions[np.argsort(self.cells[sessions], kind="stable")]
        fitting = self._matched(self.cells[sessions], cells)
        _, taker, place, day, slot = self.sessions[:, sessions[fitting]]
        made.taker[rows], made.place[rows], made.slot[rows] = taker, place, slot
        made.day[rows] = day + self.supply.first_day
        return Solution(plan=made, cost=cost, bound=min(cost, ceil(bound - 1e-6 * abs(bound))))

    @staticmethod
    def _matched(given: Ints, wanted: Ints) -> Ints:
        """For each of `wanted` its own position in `given`; both are sorted."""
        first = np.searchsorted(given, wanted)
        start = np.searchsorted(wanted, wanted)
        return first + np.arange(len(wanted)) - start
