"""Every Python block of the documentation runs as it stands, in the order of its page."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {"exchange.md": "tests/exchange/test_exchange_docs.py"}
"""Pages whose blocks need a place made ready for them, with the test that does so and runs them."""

PAGES = sorted(p for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if p.name not in ELSEWHERE)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[int, str]]:
    """The Python blocks of a page, each with the number of lines before it."""
    return [(text[: m.start(1)].count("\n"), m.group(1)) for m in BLOCK.finditer(text)]


def run_page(text: str, name: str) -> None:
    """Runs the blocks of a page in one namespace: sessions with `>>>` against the output shown, the rest as it is."""
    namespace: dict[str, object] = {"__name__": name}
    for line, block in blocks(text):
        if ">>> " not in block:
            exec(compile("\n" * line + block, name, "exec"), namespace)
            continue
        session = doctest.DocTestParser().get_doctest(block, namespace, name, name, line)
        report: list[str] = []
        runner = doctest.DocTestRunner(verbose=False)
        runner.run(session, out=report.append, clear_globs=False)
        assert not runner.failures, "".join(report)
        namespace.update(session.globs)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_python_block_of_the_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page.read_text(encoding="utf-8"), page.name)


@pytest.mark.parametrize("page", ELSEWHERE)
def test_a_page_left_out_here_is_run_by_the_test_named(page: str) -> None:
    assert list(ROOT.glob(f"docs/**/{page}"))
    assert page in (ROOT / ELSEWHERE[page]).read_text(encoding="utf-8")


def test_the_tour_has_blocks_to_run() -> None:
    assert len(blocks((ROOT / "docs" / "language.md").read_text(encoding="utf-8"))) >= 10


@pytest.mark.parametrize(
    "wrong",
    [
        "```python\n>>> 1 + 1\n3\n```\n",
        "```python\nassert False\n```\n",
        "```python\nx = 1\n```\n```python\n>>> x\n2\n```\n",
    ],
)
def test_a_block_that_does_not_do_what_it_shows_is_caught(wrong: str) -> None:
    with pytest.raises(AssertionError):
        run_page(wrong, "page")
