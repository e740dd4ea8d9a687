"""The evening's plan over everybody who has not been told, and whom to tell of theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from services.scheduling.engine.flow import assign
from services.scheduling.engine.forecast import Forecast
from services.scheduling.engine.model import Bools, Ints, InvalidInputError, Plan, Requests, Supply
from services.scheduling.engine.network import Held
from services.scheduling.engine.price import Price

DAYS_PASSED_OVER = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """The exact flow, with or without the citizens who are still to come. Plans are for rows in
    ascending order of id; what is free on `evening` and before is not used."""

    price: Price
    forecast: Forecast | None = None

    def __call__(
        self,
        evening: int,
        waiting: Requests,
        supply: Supply,
        *,
        held: Held | None = None,
        never: Ints | None = None,
    ) -> Plan:
        """Plans all who wait; told bookings have been taken out of `supply` already, but for those
        that are `held` there: they move where that saves more than a move costs. `never` is what
        it costs to leave a row without a session, the price's own where it is not given."""
        free = supply.between(evening + 1, int(supply.days[-1]))
        never = self.price.of_never(waiting.weight) if never is None else never
        if self.forecast is None or len(waiting) == 0:
            return assign(waiting, free, self.price, never=never, held=held).plan
        to_come = self._to_come(evening, self.forecast)
        together = Requests.joined([waiting, to_come])
        never = np.concatenate([never, self._of_passing_over(to_come)])
        if held is not None:
            nowhere = Plan.empty(len(to_come))
            held = replace(held, plan=Plan.joined([held.plan, nowhere]))
        solution = assign(together, free, self.price, never=never, held=held)
        return solution.plan.take(np.arange(len(waiting)))

    def of_those_to_come(self, evening: int, supply: Supply) -> int:
        """What those who are still to come cost, in metres, on what `supply` leaves them."""
        if self.forecast is None:
            return 0
        to_come = self._to_come(evening, self.forecast)
        free = supply.between(evening + 1, int(supply.days[-1]))
        return assign(to_come, free, self.price, never=self._of_passing_over(to_come)).cost

    @staticmethod
    def _to_come(evening: int, forecast: Forecast) -> Requests:
        return forecast.draw(evening + 1, evening + forecast.days_ahead)

    def _of_passing_over(self, to_come: Requests) -> Ints:
        """One who is still to come and finds no time soon is a week late, no more: else the drawn
        would push aside the real."""
        return self.price.of_day(
            to_come.earliest, to_come.limit, to_come.weight, to_come.last + DAYS_PASSED_OVER
        )


SAME_EVENING = 0


def to_tell(plan: Plan, evening: int, open_days: Ints, tell: int) -> Bools:
    """Which rows' citizens are told on this evening.

    `tell` is how many open days before the session a citizen is told, 1 or more, or `SAME_EVENING`;
    `open_days` are in ascending order. Raises `InvalidInputError` for a negative number.
    """
    if tell < 0:
        raise InvalidInputError("citizens cannot be told a negative number of days before")
    if tell == SAME_EVENING:
        return plan.booked
    ahead = open_days[np.searchsorted(open_days, evening, side="right") :][:tell]
    return plan.booked & (plan.day <= (ahead[-1] if len(ahead) == tell else np.inf))
