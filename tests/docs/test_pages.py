"""Pages that commands write: help texts and console sessions are run and compared.

`SEME_REWRITE=1 pytest tests/docs` puts what the commands print now into the pages.
"""

from __future__ import annotations

import os
import pkgutil
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from seme import lang
from seme.cli import commands
from seme.cli.main import cli
from seme.core import errors

ROOT = Path(__file__).resolve().parents[2]
REWRITE = bool(os.environ.get("SEME_REWRITE"))
HELP = re.compile(r"(?<=<!-- help -->\n).*?(?=<!-- /help -->)", re.DOTALL)
CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
TIME = re.compile(r"compiled in [\d.]+ s")


def help_text() -> str:
    """The help of `seme` and of every command, as the page shows it."""
    parts = []
    for name in ["", *sorted(module.name for module in pkgutil.iter_modules(commands.__path__))]:
        arguments = [name, "--help"] if name else ["--help"]
        own = cli.get_command(None, name) if name else None  # type: ignore[arg-type]
        if own is not None:
            own._help_option = None  # click keeps the help option of a test that ran the command by itself
        result = CliRunner().invoke(cli, arguments, prog_name="seme", terminal_width=96)
        assert result.exit_code == 0, result.output
        parts.append(f"\n## `seme{' ' if name else ''}{name}`\n\n```text\n{tidy(result.stdout)}```\n")
    return "".join(parts) + "\n"


def tidy(text: str) -> str:
    """Without what differs from run to run, and without blanks at line ends."""
    return "".join(f"{line.rstrip()}\n" for line in TIME.sub("compiled in 0.1 s", text).strip("\n").split("\n"))


def session(block: str) -> str:
    """A console block with the commands in it run again."""
    out = []
    for line in block.splitlines():
        if line.startswith("$ "):
            program, *arguments = shlex.split(line[2:])
            assert program == "seme"
            result = CliRunner().invoke(cli, arguments, prog_name="seme")
            assert result.exit_code == 0, result.output
            out.append(f"{line}\n{tidy(result.output)}")
    return "".join(out)


def compare(page: Path, renewed: str) -> None:
    if REWRITE:
        page.write_text(renewed, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == renewed, "SEME_REWRITE=1 pytest tests/docs renews the page"


def test_the_page_of_commands_shows_the_help_of_every_command() -> None:
    page = ROOT / "docs" / "commands.md"
    text = page.read_text(encoding="utf-8")
    assert HELP.search(text)
    compare(page, HELP.sub(lambda _: help_text(), text))


def test_every_command_has_its_json_keys_on_the_page() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for module in pkgutil.iter_modules(commands.__path__):
        assert f"| `{module.name}` |" in text


def test_every_command_has_a_help_text_and_the_common_flags() -> None:
    for module in pkgutil.iter_modules(commands.__path__):
        command = cli.get_command(None, module.name)  # type: ignore[arg-type]
        assert command is not None
        assert command.help
        for one in command.commands.values() if isinstance(command, click.Group) else [command]:
            flags = {flag for parameter in one.params for flag in parameter.opts}
            assert {"--json", "--quiet"} <= flags, one.name


def test_what_the_readme_shows_is_what_the_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    # Where the language was first imported from is no part of the picture.
    monkeypatch.setattr(lang.length, "source", "")
    page = ROOT / "README.md"
    text = page.read_text(encoding="utf-8")
    assert len(CONSOLE.findall(text)) >= 3
    compare(page, CONSOLE.sub(lambda found: session(found.group()), text))


def error_classes() -> list[type[errors.SemeError]]:
    found = [errors.SemeError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__ == errors.__name__]


def test_every_error_code_has_a_section_with_symptom_cause_and_fix() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (S\d{3})\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    kinds = error_classes()
    assert set(sections) == {kind.code for kind in kinds}
    for kind in kinds:
        section = sections[kind.code]
        assert all(f"**{word}.**" in section for word in ("Symptom", "Cause", "Fix"))
        assert f"`{kind.__name__}`" in section
        assert f"exit status {kind.exit_code}" in section


def test_error_codes_are_all_different() -> None:
    codes = [kind.code for kind in error_classes()]
    assert len(set(codes)) == len(codes)
