"""What the demo shows: how documents move while they move, and the account at the end."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deploy.demo.ledger import Ledger, quantile
from deploy.demo.promises import promises as kept

STAGES = (
    ("sent", "published by the hospitals"),
    ("accepted", "accepted by the municipality"),
    ("refused", "refused, with the reason"),
    ("waiting", "parked until their original comes"),
    ("dead", "dead letters, kept for a human"),
    ("ordered", "ordered: the therapist's assessment"),
    ("booked", "booked with therapist and room"),
    ("told", "told (events that somebody was told of)"),
)


def live(ledger: Ledger, total: int, note: str) -> RenderableType:
    """The picture while documents move."""
    counts = ledger.counts()
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    table.add_column()
    for key, label in STAGES:
        bar = ProgressBar(total=max(total, counts[key]), completed=counts[key], width=40)
        table.add_row(str(counts[key]), bar, label)
    return Group(table, Text(note, style="dim"))


def plain(ledger: Ledger) -> str:
    """The same in one line, for a terminal that can't redraw."""
    return ", ".join(f"{key} {n}" for key, n in ledger.counts().items())


def account(ledger: Ledger, documents: int, ruddi: Sequence[str]) -> RenderableType:
    """The table at the end."""
    table = Table(title="A morning's documents", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    expected = [s.expected for s in ledger.sent]
    courses = list(ledger.courses.values())
    active, inside, late = ledger.active(), ledger.inside(), ledger.late()
    table.add_row("Documents in", str(documents), "")
    table.add_row("Accepted", str(len(courses)), "new plans")
    table.add_row("Corrections, revocations", str(expected.count("accepted") - len(courses)), "")
    refusals = ledger.refusals()
    table.add_row("Refused", str(sum(refusals.values())), "each with a receipt that says why")
    for reason, n in refusals.most_common():
        table.add_row("", str(n), Text(reason))
    table.add_row("Duplicates", str(expected.count("duplicate")), "answered with the first receipt")
    table.add_row("Dead letters", str(len(ledger.dead)), "kept for a human")
    for reason in ledger.dead.values():
        table.add_row("", "1", Text(reason))
    table.add_section()
    table.add_row("Orders that stand", str(len(active)), "")
    table.add_row("Offered inside the limit", str(len(inside)), "")
    table.add_row("Late", str(len(late)), "the limit could not be held, or had passed on receipt")
    table.add_row("Free choice opened", str(sum(bool(c.free_choice) for c in courses)), "")
    if (days := ledger.days_to_start()) is not None:
        table.add_row("Mean days to start", f"{days:.1f}", "from discharge to the first session")
    if (km := ledger.kilometres()) is not None:
        table.add_row(
            "Mean kilometres", f"{km:.1f}", "from postcode to location, by road (estimate)"
        )
    table.add_section()
    for (channel, outcome), n in sorted(ledger.messages().items()):
        no_channel = "neither e-mail nor telephone: planners are told to write or call"
        table.add_row(
            "Messages", str(n), no_channel if channel == "none" else f"{channel}, {outcome}"
        )
    for state, n in sorted(ledger.statuses.items()):
        table.add_row("Hospitals told", str(n), state)
    table.add_section()
    seconds = max(ledger.last_at - ledger.first_at, 1) / 1000
    rate = ledger.records / seconds
    table.add_row("Events a second", f"{rate:.0f}", f"{ledger.records} events in {seconds:.1f} s")
    if latencies := ledger.latencies():
        p50, p99 = quantile(latencies, 0.5), quantile(latencies, 0.99)
        table.add_row("Publish to message", f"{p50:.2f} s", f"p50; p99 {p99:.2f} s")
    table.add_section()
    for number, line in enumerate(ruddi):
        table.add_row("" if number else "Ruddi (KL's story)", "", Text(line))
    return table


def promises(ledger: Ledger) -> tuple[RenderableType, bool]:
    """Each promise, held or broken, and whether all were held."""
    table = Table(title="Promises", show_header=False, title_justify="left")
    table.add_column()
    table.add_column()
    held_all = True
    for promise, breaches in kept(ledger):
        held_all = held_all and not breaches
        mark = Text("held", style="green") if not breaches else Text("BROKEN", style="bold red")
        table.add_row(mark, promise)
        for breach in breaches[:10]:
            table.add_row("", Text(breach, style="red"))
        if len(breaches) > 10:
            table.add_row("", f"… and {len(breaches) - 10} more")
    return table, held_all
