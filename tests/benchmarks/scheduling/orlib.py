"""OR-Library's p-median problems (Beasley 1990, J. Opl. Res. Soc. 41(11), 1069–1072)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from services.scheduling.engine.swap import Floats

DATA = Path(__file__).parent / "data"
OPTIMA = {
    "pmed1": 5819,
    "pmed2": 4093,
    "pmed3": 4250,
    "pmed4": 3034,
    "pmed5": 1355,
    "pmed6": 7824,
    "pmed7": 5631,
    "pmed8": 4445,
    "pmed9": 2734,
    "pmed10": 1255,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Every node is a customer of weight 1 and a possible site."""

    name: str
    k: int
    way: Floats


def read(path: Path) -> Problem:
    """Reads a problem: nodes, edges and k, then the edges; of duplicates the last one counts."""
    numbers = [int(word) for word in path.read_text().split()]
    nodes, _, k = numbers[:3]
    way = np.full((nodes, nodes), np.inf)
    np.fill_diagonal(way, 0)
    for at in range(3, len(numbers) - 2, 3):
        a, b, length = numbers[at] - 1, numbers[at + 1] - 1, numbers[at + 2]
        way[a, b] = way[b, a] = length
    return Problem(name=path.stem, k=k, way=shortest(way))


def shortest(way: Floats) -> Floats:
    """All shortest ways (Floyd and Warshall)."""
    for via in range(len(way)):
        np.minimum(way, way[:, via, None] + way[None, via], out=way)
    return way


def like_orlib(nodes: int, k: int, seed: int) -> Problem:
    """A problem of the same family: n²/50 random edges of length 1–100, connected by a path."""
    chance = np.random.Generator(np.random.PCG64(seed))
    way = np.full((nodes, nodes), np.inf)
    np.fill_diagonal(way, 0)
    order = chance.permutation(nodes)
    pairs = [(int(a), int(b)) for a, b in pairwise(order.tolist())]
    while len(pairs) < nodes * nodes // 50:
        a, b = (int(node) for node in chance.integers(0, nodes, 2))
        if a != b:
            pairs.append((a, b))
    for a, b in pairs:
        way[a, b] = way[b, a] = int(chance.integers(1, 101))
    return Problem(name=f"random {nodes}/{k}", k=k, way=shortest(way))
