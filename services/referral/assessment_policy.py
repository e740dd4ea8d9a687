"""By what a citizen's needs are assessed: scales, and the track a policy proposes.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.referral.facts import (
    Scores,
)
from services.referral.programme import Days, Name
from services.referral.programme_terms import Delivery
from services.referral.terms import Track

AXES: Final = ("complexity", "resources", "motivation", "readiness")
FIRST: Final = "first"
"""The point of a citizen's first assessment; the policy names the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What a value of a scale means."""

    value: int
    name: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """An axis: its instrument, where that comes from, and its anchors, the least first."""

    name: Name
    instrument: str
    source: str
    anchors: tuple[Anchor, ...]

    def holds(self, value: int) -> bool:
        """Whether the scale has this value."""
        return self.anchors[0].value <= value <= self.anchors[-1].value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Proposes a track where every axis it names lies within its bounds (both included)."""

    track: Track
    because: str
    bounds: Mapping[str, tuple[int, int]]

    def fits(self, scores: Scores) -> bool:
        """Whether the rule speaks of these scores."""
        return all(
            least <= getattr(scores, axis) <= most for axis, (least, most) in self.bounds.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """A step that a track adds, `after` so many days, with so many `leaders` of the staff."""

    name: Name
    minutes: int
    delivery: Delivery
    after: Days
    leaders: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRule:
    """What a track makes of a programme: one to one, a conference first, or one talk instead."""

    name: Name
    individual: bool = False
    conference: Meeting | None = None
    follow_up: Meeting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Scales, rules in their order, tracks, and the points of re-assessment."""

    version: str
    scales: Mapping[str, Scale]
    rules: tuple[Rule, ...]
    tracks: Mapping[Track, TrackRule]
    points: Mapping[str, str]
    missing_days: int


def propose(policy: Policy, scores: Scores) -> Rule:
    """The rule that proposes a track; the policy's last one fits everybody."""
    return next(rule for rule in policy.rules if rule.fits(scores))
