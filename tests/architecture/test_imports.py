"""What may know what; `lint-imports` holds the rest of the contracts."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAINS = [*sorted((ROOT / "services").glob("*/domain.py")), ROOT / "services/referral/plan.py"]


def imported_modules(path: Path) -> set[str]:
    """The absolute names of all modules that a file imports, wherever in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    return names | {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}


def local_file(module: str) -> Path | None:
    """The project's own file behind a module name, or None for anybody else's."""
    path = ROOT / (module.replace(".", "/") + ".py")
    return path if path.exists() else None


@pytest.mark.parametrize("path", DOMAINS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_domain_imports_only_the_standard_library_and_its_own_rooms(path: Path) -> None:
    seen: set[Path] = set()
    to_read = [path]
    while to_read:
        current = to_read.pop()
        seen.add(current)
        for module in imported_modules(current):
            own = local_file(module)
            if own is not None and own.is_relative_to(path.parent):
                to_read += [own] if own not in seen else []
            else:
                assert module.split(".")[0] in sys.stdlib_module_names, f"{current}: {module}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "services").glob("*/handlers*.py")), ids=lambda p: p.parent.name
)
def test_handlers_know_nothing_of_the_broker(path: Path) -> None:
    roots = {module.split(".")[0] for module in imported_modules(path)}
    assert not roots & {"faststream", "aiokafka", "confluent_kafka"}
