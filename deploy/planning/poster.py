"""Map and trade-off as one picture, for a document."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any, Final

from deploy.planning import map as map_
from deploy.planning import tradeoff
from deploy.planning.page import title_of

HEAD: Final = 58.0


def poster(found: Mapping[str, Any]) -> str:
    """The picture of the best choice, as SVG."""
    best = found["options"][0]
    style = files("deploy.planning").joinpath("page.css").read_text(encoding="utf-8")
    question = found["question"]
    # The policy really used, where it has tried every choice; else the rule that has.
    every = len(found["options"]) >= len(found["subsets"])
    stage, now = ("options", "today") if every else ("subsets", "today_quick")
    rule = f"The full policy ({question['policy']}), {question['seeds']} seeds"
    if not every:
        quick = found["runs"]["quick_policy"]
        rule = f"By the online rule ({quick}), {question['quick_seeds']} seeds"
    letters = {site["code"]: site["name"][:1] for site in found["sites"]}
    clear = len(set(letters.values())) == len(letters)
    tags = ["".join(letters[code] for code in one["keep"]) for one in found[stage]]
    trade = tradeoff.draw(
        "quick", found[stage], found[now], chosen=best, bars=False, tags=tags if clear else None
    )
    high = map_.height(found)
    whole = high + tradeoff.HEIGHT + 2 * HEAD
    title = title_of(found, best)
    among = f"Best of {len(found['options'])} by {found['objective']['sentence']}. "
    told = f"{among}Staff: {question['staff']}. Rooms: {question['rooms']}."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {map_.WIDTH:g} {whole:.0f}" '
        f'role="img" aria-label="{escape(title)}"><style>{style}</style>'
        f'<rect width="{map_.WIDTH:g}" height="{whole:.0f}" class="paper"/>'
        + _heads(0, title, told)
        + _placed(map_.draw(found, best), HEAD, high)
        + _heads(
            high + HEAD,
            "Every choice: travel against late share",
            f"{rule}. Letters are the locations that stay; ringed is the choice above.",
        )
        + _placed(trade, high + 2 * HEAD, tradeoff.HEIGHT)
        + "</svg>\n"
    )


def _heads(y: float, first: str, second: str) -> str:
    return (
        f'<text x="14" y="{y + 27:.0f}" font-size="18" font-weight="600">{escape(first)}</text>'
        f'<text x="14" y="{y + 48:.0f}" font-size="13" class="town">{escape(second)}</text>'
    )


def _placed(svg: str, y: float, high: float) -> str:
    return svg.replace("<svg ", f'<svg y="{y:.2f}" width="{map_.WIDTH:g}" height="{high:.2f}" ', 1)
