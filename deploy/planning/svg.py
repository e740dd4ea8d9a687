"""The little of SVG that the page's pictures need: elements, ticks, labels that don't collide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

CHARACTER = 0.6  # of the font size, a mean width; wide enough that labels keep apart


def element(tag: str, text: str = "", /, **attributes: object) -> str:
    """An element with its attributes; `_` in a name is a hyphen. `text` must be safe already."""
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{told}>{text}</{tag}>" if text else f"<{tag}{told}/>"


def label(x: float, y: float, text: str, **attributes: object) -> str:
    """Text at a point."""
    return element("text", escape(text), x=x, y=y, **attributes)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, `about` so many."""
    span = max(high - low, 1e-9)
    rough = span / about
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1, 2, 2.5, 5, 10) if size * one >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(step * n, 10) for n in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass
class Labels:
    """Places labels beside points so that none covers another or a point."""

    width: float
    height: float
    _taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def block(self, x: float, y: float, radius: float) -> None:
        """Keeps labels off a point."""
        self._taken.append((x - radius, y - radius, x + radius, y + radius))

    def beside(
        self, x: float, y: float, text: str, *, gap: float, size: float, **attributes: object
    ) -> str:
        """The label right, left, above or below the point; nothing where there is no room."""
        wide, high = len(text) * size * CHARACTER, size
        for left, top in _around(x, y, wide, high, gap):
            box = (left, top, left + wide, top + high)
            if self._fits(box):
                self._taken.append(box)
                # Anchored at the point's side, so that a wrong guess at the width grows away.
                middle = left + wide / 2
                anchor = "start" if middle > x + 1 else "end" if middle < x - 1 else "middle"
                at = {"start": left, "end": left + wide, "middle": middle}[anchor]
                return label(
                    at,
                    top + 0.82 * high,
                    text,
                    font_size=size,
                    text_anchor=anchor,
                    **attributes,
                )
        return ""

    def _fits(self, box: tuple[float, float, float, float]) -> bool:
        left, top, right, bottom = box
        if left < 2 or top < 2 or right > self.width - 2 or bottom > self.height - 2:
            return False
        return all(right <= a or left >= c or bottom <= b or top >= d for a, b, c, d in self._taken)


def _around(
    x: float, y: float, wide: float, high: float, gap: float
) -> Iterable[tuple[float, float]]:
    for far in (gap, gap + 0.8 * high):
        yield x + far, y - high / 2
        yield x - far - wide, y - high / 2
        yield x - wide / 2, y - far - high
        yield x - wide / 2, y + far
        yield x + far, y - far - high / 2
        yield x + far, y + far - high / 2
        yield x - far - wide, y + far - high / 2
        yield x - far - wide, y - far - high / 2


def picture(
    name: str, title: str, told: str, *, size: tuple[float, float], parts: Sequence[str]
) -> str:
    """An SVG with a title and a description for whoever does not see it."""
    width, height = size
    return (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
        f'viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(told)}</desc>{"".join(parts)}</svg>'
    )


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
