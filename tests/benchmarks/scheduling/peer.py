"""spopt with HiGHS on one p-median problem, in a process of its own.

HiGHS is in highspy as in ortools, and the two copies cannot be loaded together; so nothing of the
engine is imported here. Prints a line of JSON: the cost found and the seconds it took.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pulp
from spopt.locate import PMedian

LIMIT_SECONDS = 100


def main() -> None:
    """Reads the problem's distances (.npy) and k from the arguments."""
    way = np.load(sys.argv[1])
    started = time.perf_counter()
    model = PMedian.from_cost_matrix(way, np.ones(len(way)), p_facilities=int(sys.argv[2]))
    solver = pulp.HiGHS(msg=False, threads=1, timeLimit=LIMIT_SECONDS)
    model = model.solve(solver)
    seconds = time.perf_counter() - started
    proven = model.problem.sol_status == pulp.LpSolutionOptimal
    cost = pulp.value(model.problem.objective)
    print(json.dumps({"cost": cost, "seconds": seconds, "proven": proven}))


if __name__ == "__main__":
    main()
