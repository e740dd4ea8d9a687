"""The forms that programmes ask: how many items, on which scale, how they are scored."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

FILE: Final = Path(__file__).with_name("forms.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form. `items`: so many at least and at most, each from `lowest` to `highest`."""

    id: str
    fewest: int
    most: int
    lowest: int
    highest: int
    scoring: Literal["sum", "mean"]
    better: Literal["lower", "higher"]
    source: str

    def fault(self, answers: Sequence[int]) -> str | None:
        """Why these answers are none of this form; None where they are."""
        if not self.fewest <= len(answers) <= self.most:
            span = self._span(self.fewest, self.most)
            return f"{self.id} has {span} items, and {len(answers)} were answered"
        for number, answer in enumerate(answers, start=1):
            if not self.lowest <= answer <= self.highest:
                return (
                    f"item {number} of {self.id} is answered from {self.lowest} to {self.highest}"
                )
        return None

    def score(self, answers: Sequence[int]) -> float:
        """What the answers come to."""
        total = sum(answers)
        return float(total) if self.scoring == "sum" else round(total / len(answers), 2)

    @staticmethod
    def _span(fewest: int, most: int) -> str:
        return str(most) if fewest == most else f"{fewest} to {most}"


def load(path: Path = FILE) -> Mapping[str, Form]:
    """The forms by id."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        one["id"]: Form(
            id=one["id"],
            fewest=one["items"]["min"],
            most=one["items"]["max"],
            lowest=one["scale"]["min"],
            highest=one["scale"]["max"],
            scoring=one["score"],
            better=one["better"],
            source=one["source"],
        )
        for one in content["form"]
    }


FORMS: Final = load()
