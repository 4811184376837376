from __future__ import annotations

import subprocess
import sys

import pytest

from seme.cli.commands import show
from seme.core.errors import SemeError


def test_an_interrupt_ends_with_status_130(seme, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(show.command, "callback", interrupted)
    told = seme("show", "somewhere")
    assert told.status == 130
    assert "interrupted" in told.err


def test_an_error_is_printed_in_the_house_form(seme, monkeypatch):
    def failing(*arguments, **options):
        raise SemeError("it did not work", hint="do the other thing")

    monkeypatch.setattr(show.command, "callback", failing)
    told = seme("show", "somewhere")
    assert told.status == 1
    assert told.err == "error[S000]: it did not work\n\n  hint: do the other thing\n"
    assert told.out == ""


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["run", "a", "b", "c"], ["show", "m", "--layer", "x"]])
def test_wrong_usage_ends_with_status_2(seme, arguments):
    assert seme(*arguments).status == 2


def test_help_and_the_package_load_neither_torch_nor_numpy():
    lines = [
        "import sys, seme",
        "from seme.cli.main import cli",
        "cli.main(['--help'], standalone_mode=False)",
        "print('loaded:', *{'click', 'torch', 'numpy', 'rich'} & set(sys.modules))",
    ]
    ran = subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == "loaded: click"
