import re
from pathlib import Path


def test_every_option_the_page_shows_exists():
    from seme.cli.commands.linearity import command

    page = (Path(__file__).parents[2] / "docs" / "learn.md").read_text()
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert set(re.findall(r"--[a-z][a-z-]+", page)) <= known
