import re
from pathlib import Path


def test_the_python_of_the_page_runs():
    page = (Path(__file__).parents[2] / "docs" / "learn.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "docs/learn.md", "exec"), {})


def test_every_option_the_page_shows_exists():
    from seme.cli.commands.linearity import command

    page = (Path(__file__).parents[2] / "docs" / "learn.md").read_text()
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert set(re.findall(r"--[a-z][a-z-]+", page)) <= known
