"""The runtime beside FastStream's tutorial style and the bare floor, on a real broker and database.

python -m tests.benchmarks.runtime [--rounds 5] [--records 60000] [--seed 1] [--only runtime,floor]

Rounds are interleaved, because the machine's own speed drifts by the minute: only the ratios of
one round's neighbours mean anything. Printed are rates, and the median and range of the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import psutil
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import Processes
from deploy.local.state import State
from shared.crypto import generate_key
from shared.migrate import migrate
from tests.benchmarks.mechanism.contestants import GUARANTEES
from tests.benchmarks.mechanism.workload import PARTITIONS, events

ROOT = Path(__file__).parents[2]
HOME = Path(__file__).parent / "mechanism"
# One message, one transaction: as many as take about as long as the others' rounds.
TUTORIAL_RECORDS = 1_000


class Arena:
    """A broker and a database server of its own, with fsync as in production."""

    def __init__(self, folder: Path) -> None:
        state = State(folder)
        self.processes = Processes(folder)
        self.postgres = Postgres(state, self.processes, durable=True)
        self.kafka = Kafka(state, self.processes)
        self.vault_key = generate_key()

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that the servers have used so far."""
        used = {}
        for name in ("postgres", "kafka"):
            process = psutil.Process(self.processes.pid(name))
            own = process.cpu_times()
            used[name] = own.user + own.system + own.children_user + own.children_system
            for child in process.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = child.cpu_times()
                    used[name] += times.user + times.system
        return used

    async def topic(self, name: str, partitions: int = PARTITIONS) -> None:
        admin = AIOKafkaAdminClient(**self.kafka.access().aiokafka())
        await admin.start()
        await admin.create_topics([NewTopic(name, partitions, 1)])
        await admin.close()

    async def preload(self, records: int, seed: int) -> None:
        await self.topic("in")
        await self.topic("bench.dead-letters", 1)
        producer = AIOKafkaProducer(
            **self.kafka.access().aiokafka(), linger_ms=20, max_batch_size=256 * 1024
        )
        await producer.start()
        try:
            futures = []
            for made in events(records, seed):
                futures.append(
                    await producer.send("in", key=made.key, value=made.value, headers=made.headers)
                )
                if len(futures) == 5_000:
                    await asyncio.gather(*futures)
                    futures.clear()
            await asyncio.gather(*futures)
        finally:
            await producer.stop()

    async def run(self, name: str, round_: int, records: int) -> dict[str, float]:
        """One contestant's turn, with an empty database, a new group and a new output topic."""
        database = f"bench_{name}_{round_ + 1}"
        server = await asyncpg.connect(self.postgres.dsn())
        await server.execute(f'CREATE DATABASE "{database}"')
        await server.close()
        dsn = self.postgres.dsn(database)
        await migrate(dsn, [HOME / "migrations"])
        out = f"out-{name}-{round_ + 1}"
        await self.topic(out)
        access = self.kafka.access()
        before = self.cpu()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.benchmarks.mechanism.contestants", name),
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "BENCH_IN": "in",
                "BENCH_OUT": out,
                "BENCH_RECORDS": str(records),
                "BENCH_DSN": dsn,
                "BENCH_GROUP": f"bench.{name}.{round_ + 1}",
                "GENVEJ_KAFKA": access.bootstrap,
                "GENVEJ_BENCH_KAFKA_USER": access.user,
                "GENVEJ_BENCH_KAFKA_PASSWORD": access.password,
                "GENVEJ_TOPICS": str(ROOT / "deploy/topics.toml"),
                "GENVEJ_BENCH_DSN": dsn,
                "GENVEJ_BENCH_PORT": "0",
                "GENVEJ_BENCH_VAULT_KEYS": self.vault_key,
                "GENVEJ_BENCH_HALT_FAULTS": "1000000",
                **{
                    name: value
                    for name, value in os.environ.items()
                    if name.startswith(("PROFILE", "GENVEJ_BENCH_"))
                },
            },
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise SystemExit(f"{name} failed; what it wrote stands above")
        figures: dict[str, float] = json.loads(said.splitlines()[-1])
        figures["rate"] = records / figures["seconds"]
        figures["cpu_us"] = figures["cpu"] / records * 1e6
        for server_name, used in self.cpu().items():
            figures[f"{server_name}_us"] = (used - before[server_name]) / records * 1e6
        server = await asyncpg.connect(self.postgres.dsn())
        await server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
        await server.close()
        return figures


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median and range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


async def bench(options: argparse.Namespace, folder: Path) -> dict[str, list[dict[str, float]]]:
    arena = Arena(folder)
    arena.postgres.start()
    try:
        arena.kafka.start()
        print(f"preloading {options.records:,} events, seed {options.seed}", flush=True)
        await arena.preload(options.records, options.seed)
        figures: dict[str, list[dict[str, float]]] = {name: [] for name in options.only}
        for name in options.only:  # the servers' code is compiled while it is first used
            await arena.run(name, -1, min(2_000, TUTORIAL_RECORDS))
        for round_ in range(options.rounds):
            # Each round begins with another contestant, so that none is always the first.
            turn = round_ % len(options.only)
            for name in options.only[turn:] + options.only[:turn]:
                records = TUTORIAL_RECORDS if name == "tutorial" else options.records
                found = await arena.run(name, round_, min(records, options.records))
                figures[name].append(found)
                print(f"round {round_ + 1}: {name:<9} {found['rate']:>9,.0f} events/s", flush=True)
        return figures
    finally:
        arena.kafka.destroy()
        arena.postgres.destroy()


def report(figures: dict[str, list[dict[str, float]]]) -> str:
    """The table that stands in docs/performance.md."""
    lines = [
        "| contestant | events a second, median (range) | CPU µs: Python, Postgres, Kafka |"
        " what it promises |",
        "|---|---|---|---|",
    ]
    for name, rounds in figures.items():
        rates = spread([found["rate"] for found in rounds], 0)
        cpu = ", ".join(
            f"{statistics.median(found[part] for found in rounds):,.0f}"
            for part in ("cpu_us", "postgres_us", "kafka_us")
        )
        lines.append(f"| {name} | {rates} | {cpu} | {GUARANTEES[name]} |")
    if "runtime" in figures:
        for other, rounds in figures.items():
            if other != "runtime":
                ratios = [
                    ours["rate"] / theirs["rate"]
                    for ours, theirs in zip(figures["runtime"], rounds, strict=True)
                ]
                lines += ["", f"runtime : {other} = {spread(ratios)} (paired, median and range)"]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=["runtime", "tutorial", "floor"]
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genvej-bench-") as folder:
        print(report(asyncio.run(bench(options, Path(folder)))))


if __name__ == "__main__":
    main()
