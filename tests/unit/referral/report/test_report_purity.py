"""The report is made without I/O: what makes it imports only the standard library and its like."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]


def file_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def imported(module: str) -> set[str]:
    """What one of the project's modules imports; of a package, the modules that it names."""
    tree = ast.parse(file_of(module).read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {part for part in parts if file_of(part).exists()} or {node.module}
    return found


def test_the_report_and_its_check_import_only_the_standard_library() -> None:
    seen: set[str] = set()
    ahead = {"services.referral.report.deliver", "services.referral.report.check"}
    while ahead:
        module = ahead.pop()
        if file_of(module).exists():
            ahead |= imported(module) - seen
            seen.add(module)
        else:
            assert module.split(".")[0] in sys.stdlib_module_names, module
    assert "services.referral.report.facts" in seen
    assert "services.referral.report.wire" not in seen
