import re
from pathlib import Path

from seme.exchange import save
from support.models import previous_token

PAGE = Path(__file__).parents[2] / "docs" / "exchange.md"


def test_every_block_of_the_page_runs(tmp_path, monkeypatch):
    save(previous_token(), tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    names: dict = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
