"""Running the command line in the test's own process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seme.cli.main import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command left: its exit status, stdout and stderr."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one line of JSON on stdout."""
        assert self.out.count("\n") == 1, self.out + self.err
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def seme(capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls `seme` with arguments."""

    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(status=int(ended.value.code or 0), out=captured.out, err=captured.err)

    return run


@pytest.fixture(scope="session")
def reverse_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reverse example, compiled."""
    folder = tmp_path_factory.mktemp("models") / "reverse"
    with pytest.raises(SystemExit) as ended:
        main(["compile", str(EXAMPLES / "reverse.py"), "-o", str(folder), "--quiet"])
    assert not ended.value.code
    return folder


@pytest.fixture
def program_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a program file."""

    def write(body: str, name: str = "p.py") -> Path:
        path = tmp_path / name
        path.write_text(body, encoding="utf-8")
        return path

    return write
