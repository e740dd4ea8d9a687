"""A run's figures, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from deploy.demo.ledger import quantile
from tests.benchmarks.path.bench import Loop, Result
from tests.benchmarks.path.meter import BENCH, MIB, Meter

GUARANTEE: Final = (
    "effectively once, fsync on, nothing switched off: positions, inbox, state and outbox in one "
    "transaction, exclusion constraints over therapists and rooms, contacts encrypted"
)


def figures(result: Result) -> dict[str, Any]:
    """Everything as plain values, in seconds, documents and MiB."""
    backlog, documents = result.backlog, result.options.documents
    moving = backlog.ended - backlog.reached
    found: dict[str, Any] = {
        "documents": documents,
        "municipalities": result.options.municipalities,
        "seed": result.options.seed,
        "guarantee": GUARANTEE,
        "backlog": {
            "documents_a_second": documents / moving,
            "documents_a_second_with_start": documents / (backlog.ended - backlog.began),
            "seconds": moving,
            "message_rows": backlog.messages,
            "sent_after_seconds": backlog.sent_after,
            "load_average": backlog.load,
            "cpu_ms_a_document": _cpu(backlog.meter, documents),
            "postgres_ms_a_document": {
                who: 1000 * cpu / documents for who, cpu in backlog.meter.used_by_sessions().items()
            },
            "memory_mib": _memory(backlog.meter),
            "counters": backlog.counters,
            "steps": [
                [round(at, 2), step.documents, step.referrals, step.messages]
                for at, step in backlog.steps
            ],
        },
        "account": {
            "outcomes": dict(result.account.outcomes),
            "events": dict(result.account.events),
            "orders": len(result.account.orders),
            "offered_late": result.account.late,
            "news": len(result.account.news),
            "message_rows": result.account.rows.total(),
            "breaches": result.account.breaches,
        },
    }
    if result.loop is not None:
        found["loop"] = _loop(result.loop)
    return found


def _loop(loop: Loop) -> dict[str, Any]:
    return {
        "published": loop.published,
        "documents_a_second": loop.rate,
        "load_average": loop.load,
        "cpu_ms_a_document": _cpu(loop.meter, loop.published),
        "memory_mib": _memory(loop.meter),
        "counters": loop.counters,
        "seconds_to": {
            what: _quantiles(times)
            for what, times in (
                ("receipt on its topic", loop.to_receipt),
                ("order on its topic", loop.to_order),
                ("offer on its topic", loop.to_offer),
                ("message row committed", loop.to_message),
            )
        },
    }


def _cpu(meter: Meter, documents: int) -> dict[str, float]:
    return {name: 1000 * cpu / documents for name, cpu in meter.used().items()}


def _memory(meter: Meter) -> dict[str, list[float]]:
    """Peak and end by process."""
    assert meter.last is not None, "not measured yet"
    return {
        name: [round(peak / MIB), round(meter.last.memory.get(name, 0) / MIB)]
        for name, peak in meter.peaks.items()
    }


def _quantiles(times: Sequence[float]) -> dict[str, float]:
    ordered = list(times)
    if not ordered:
        return {}
    return {
        "count": len(ordered),
        "p50": quantile(ordered, 0.5),
        "p90": quantile(ordered, 0.9),
        "p99": quantile(ordered, 0.99),
        "most": ordered[-1],
    }


def text(found: dict[str, Any]) -> str:
    """The figures as lines."""
    backlog, closed = found["backlog"], found["account"]
    lines = [
        f"The whole path: {found['documents']:,} preloaded documents, "
        f"{found['municipalities']} municipalities, seed {found['seed']}",
        f"  guarantee: {found['guarantee']}",
        f"  {backlog['documents_a_second']:,.0f} documents a second from the first commit to the "
        f"last message row ({backlog['seconds']:.1f} s; "
        f"{backlog['documents_a_second_with_start']:,.0f} with the processes' start)",
        f"  {backlog['message_rows']:,} message rows; {_sent(backlog['sent_after_seconds'])}"
        f"load average {backlog['load_average']:.1f}",
        *_processes(backlog),
        "  Postgres by session: "
        + ", ".join(f"{who} {ms:.2f} ms" for who, ms in backlog["postgres_ms_a_document"].items()),
        "",
        "The account",
        f"  receipts: {closed['outcomes']}; orders: {closed['orders']:,}; "
        f"offered late: {closed['offered_late']:,}",
        f"  news: {closed['news']:,}; message rows: {closed['message_rows']:,}",
        f"  events: {closed['events']}",
        *(_breaches(closed["breaches"])),
    ]
    if "loop" in found:
        lines += ["", *_loop_lines(found["loop"])]
    return "\n".join(lines)


def _sent(seconds: float) -> str:
    return f"the sender was done after {seconds:.0f} s; " if seconds else ""


def _loop_lines(loop: dict[str, Any]) -> Iterable[str]:
    yield (
        f"Open loop: {loop['published']:,} documents at {loop['documents_a_second']:.1f} a second; "
        f"load average {loop['load_average']:.1f}"
    )
    for what, times in loop["seconds_to"].items():
        if times:
            yield (
                f"  publish to {what:<24} p50 {1000 * times['p50']:6.0f} ms   p90 "
                f"{1000 * times['p90']:6.0f}   p99 {1000 * times['p99']:6.0f}   most "
                f"{1000 * times['most']:6.0f}   ({times['count']:,})"
            )
    yield from _processes(loop)


def _processes(half: dict[str, Any]) -> Iterable[str]:
    cpu, memory = half["cpu_ms_a_document"], half["memory_mib"]
    yield f"  {'process':<16}{'CPU ms/document':>16}{'peak MiB':>10}{'end MiB':>10}"
    for name, used in cpu.items():
        peak, end = memory.get(name, [0, 0])
        yield f"  {name:<16}{used:>16.3f}{peak:>10,}{end:>10,}"
    total = sum(used for name, used in cpu.items() if name != BENCH)
    yield f"  {'all but bench':<16}{total:>16.3f}"
    for service, counted in half["counters"].items():
        yield (
            f"  {service}: {counted['messages'] / max(counted['polls'], 1):.0f} messages a poll, "
            f"{counted['events'] / max(counted['rounds'], 1):.0f} events a relay's round, "
            f"{counted['parked']:,.0f} parked, {counted['fenced']:,.0f} fenced"
        )


def _breaches(breaches: Sequence[str]) -> list[str]:
    if not breaches:
        return [
            "  held: one ok receipt a document, every order offered or infeasible, one row a news"
        ]
    return [f"  BROKEN: {breach}" for breach in breaches]
