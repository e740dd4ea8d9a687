"""Apache Kafka's own programs: exactly the files that kafka-jars.txt names, downloaded once.

`python -m deploy.local.kafka_jars VERSION` resolves another version and writes kafka-jars.txt anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import requests
from jgo.maven import MavenContext
from jgo.parse import Coordinate

from deploy.local.errors import StackError

LOCK = Path(__file__).with_name("kafka-jars.txt")
BROKER = ("org.apache.kafka", "kafka_2.13")
# Without a binding to a logger the broker writes no log at all.
_WAITS = (1.0, 3.0)  # seconds before the second and the third try
LOGGER = ("org.apache.logging.log4j", "log4j-slf4j-impl")


class KafkaUnavailableError(StackError):
    """Kafka's programs are not here and can't be had; the message names the ways out."""


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One file of Kafka's: its Maven coordinate and the SHA-256 of its bytes."""

    group: str
    name: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """What the file is called in the cache."""
        return f"{self.name}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.name}:{self.version}"


def cache_folder() -> Path:
    """Where downloads are kept for all state folders: GENVEJ_CACHE, or the user's cache folder."""
    named = os.environ.get("GENVEJ_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("genvej"))


def locked() -> list[Jar]:
    """The files that this release of Genvej runs, as kafka-jars.txt names them."""
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    pairs = [line.split() for line in lines if line.strip()]
    return [Jar(*_coordinate(text), digest) for digest, text in pairs]


def _coordinate(text: str) -> tuple[str, str, str]:
    group, name, release = text.split(":")
    return group, name, release


def version() -> str:
    """The version of Apache Kafka that kafka-jars.txt names."""
    return next(jar.version for jar in locked() if (jar.group, jar.name) == BROKER)


def ensure(
    cache: Path | None = None, progress: Callable[[str], None] = lambda text: None
) -> list[Path]:
    """The files to put on the class path, downloaded where they are missing or damaged.

    Raises KafkaUnavailableError where Maven Central can't be reached, or gives other bytes.
    """
    jars = locked()
    folder = (cache or cache_folder()) / f"kafka-{version()}"
    if _missing(jars, folder):
        _make(folder)
        with (
            _alone(folder),
            tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as draft,
            ThreadPoolExecutor(6) as pool,
        ):
            missing = _missing(jars, folder)
            downloads = pool.map(lambda jar: _download(jar, Path(draft), folder), missing)
            for done, jar in enumerate(downloads, 1):
                progress(f"Apache Kafka {version()}: {done} of {len(missing)} files ({jar})")
    return [folder / jar.filename for jar in jars]


def _missing(jars: Sequence[Jar], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not _intact(folder / jar.filename, jar)]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lets one process after the other fill the cache: the next finds it full."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KafkaUnavailableError(
            f"{folder} can't be made ({error.strerror}); name another cache with GENVEJ_CACHE"
        ) from error


def _intact(path: Path, jar: Jar) -> bool:
    return path.is_file() and _digest(path) == jar.sha256


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(jar: Jar, draft: Path, folder: Path) -> Jar:
    try:
        path = _resolved(jar, draft)
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise KafkaUnavailableError(
            f"{jar} is not in {folder} and Maven Central can't be reached: bring the folder "
            f"{folder.name} from a machine that has it into {folder.parent} (or name its parent "
            "with GENVEJ_CACHE), or use another cluster with GENVEJ_KAFKA=host:port"
        ) from error
    if _digest(path) != jar.sha256:
        raise KafkaUnavailableError(
            f"{jar} as downloaded is not the file that {LOCK.name} names; a proxy may have "
            "changed it: bring the cache folder along, or use another cluster with GENVEJ_KAFKA"
        )
    shutil.move(path, folder / jar.filename)
    return jar


def _resolved(jar: Jar, draft: Path) -> Path:
    """Where the file was put. Tries again after a moment: a busy proxy drops connections."""
    project = MavenContext(repo_cache=draft, timeout=30).project(jar.group, jar.name)
    for wait in _WAITS:
        try:
            return project.at_version(jar.version).artifact().resolve()
        except (requests.RequestException, RuntimeError, OSError):
            time.sleep(wait)
    return project.at_version(jar.version).artifact().resolve()


def _resolve(kafka_version: str, draft: Path) -> Iterator[Jar]:
    context = MavenContext(repo_cache=draft, timeout=30)
    broker = Coordinate(*BROKER, version=kafka_version, scope="compile")
    inputs, others = context.resolver.resolve([context.create_dependency(broker)])
    found = [d.artifact for d in [*inputs, *others] if d.scope in {"compile", "runtime"}]
    log4j = next(a.version for a in found if a.artifactId == "log4j-core")
    found.append(context.project(*LOGGER).at_version(log4j).artifact())
    for artifact in found:
        yield Jar(
            artifact.groupId, artifact.artifactId, artifact.version, _digest(artifact.resolve())
        )


def write_lock(kafka_version: str) -> None:
    """Resolves that version's dependencies and writes kafka-jars.txt."""
    with tempfile.TemporaryDirectory() as draft:
        jars = sorted(_resolve(kafka_version, Path(draft)))
    head = "# SHA-256 and Maven coordinate of every file of the broker; see kafka_jars.py\n"
    LOCK.write_text(head + "".join(f"{jar.sha256}  {jar}\n" for jar in jars), encoding="utf-8")


if __name__ == "__main__":
    write_lock(sys.argv[1])
