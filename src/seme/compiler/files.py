"""Programs in Python files: `FILE.py` or `FILE.py:NAME` to a closed program."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from seme.compiler.pipeline import close
from seme.core.errors import ProgramError, SemeError, UsageError
from seme.lang import length, positions, tokens
from seme.lang.expressions import Sequence
from seme.lang.program import Program, Translates
from seme.rasp import RASPExpr
from seme.rasp import indices as rasp_indices
from seme.rasp import length as rasp_length
from seme.rasp import tokens as rasp_tokens

_INPUTS = (tokens, positions, length, rasp_tokens, rasp_indices, rasp_length)


def is_program_file(target: str) -> bool:
    """Whether a command-line argument names a program file rather than a model folder."""
    path, _ = split(target)
    return path.suffix == ".py" and not path.is_dir()


def split(target: str) -> tuple[Path, str]:
    """The path and the name in `FILE.py:NAME`; the name is empty where none is given."""
    path, colon, name = target.rpartition(":")
    if colon and path.endswith(".py"):
        return Path(path), name
    return Path(target), ""


def load_program(
    target: str,
    *,
    vocab: Iterable[Any] | None = None,
    max_length: int | None = None,
    causal: bool | None = None,
) -> Program:
    """The program a file binds, closed with a vocabulary and a length.

    Args:
        target: `FILE.py`, or `FILE.py:NAME` where the file holds several programs.
        vocab: The tokens; overrides the program's, and is needed for a bare expression.
        max_length: The most tokens; likewise.
        causal: Overrides the program's.

    Raises:
        ProgramError: The file cannot be read or run, or holds no program of that name.
        UsageError: It holds several and none is named, or a bare expression lacks a vocabulary or a length.
    """
    path, name = split(target)
    bound = vars(run_file(path))
    name = name or _only(path, bound)
    found = bound.get(name)
    if not isinstance(found, (Program, Sequence, Translates)):
        what = f"is a {type(found).__name__}, expected a program" if name in bound else "is not there"
        raise ProgramError(f"`{name}` in `{path}` {what}", hint=_programs_told(path, bound))
    if not isinstance(found, Program) and (vocab is None or max_length is None):
        raise UsageError(
            f"`{name}` in `{path}` is a bare expression: it needs a vocabulary and a length",
            hint="give --vocab and --max-length, or bind seme.program(..., vocab=..., max_length=...) in the file",
        )
    return close(found, vocab=vocab, max_length=max_length, causal=causal, name=name)


def run_file(path: Path) -> ModuleType:
    """Runs a Python file as a module, with its own folder importable as `python FILE.py` would make it.

    What the file prints goes to stderr: stdout belongs to the answer.

    Raises:
        ProgramError: The file cannot be read, or raises; the message names file and line.
    """
    if not path.is_file():
        raise ProgramError(f"there is no program file `{path}`", hint="give FILE.py or FILE.py:NAME")
    name = f"seme_program_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ProgramError(f"`{path}` is no Python file", hint="give FILE.py or FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[name] = module
    try:
        with redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        sys.modules.pop(name, None)
        raise ProgramError(f"{_where(error, path)}: {_told(error)}", hint=_remedy(error)) from error
    return module


def _where(error: BaseException, path: Path) -> str:
    """`FILE.py:LINE`, the last line of this file that was running."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _told(error: BaseException) -> str:
    return error.message if isinstance(error, SemeError) else f"{type(error).__name__}: {error}"


def _remedy(error: BaseException) -> str:
    return error.hint if isinstance(error, SemeError) else "the file must run by itself: python FILE.py"


def _programs(bound: dict[str, Any]) -> list[str]:
    """Names bound to programs; where there are none, to expressions that are more than the input itself."""
    whole = _named(bound, (Program,))
    return whole or _named(bound, (Sequence, RASPExpr), leave_out=_INPUTS)


def _named(bound: dict[str, Any], kinds: tuple[type, ...], leave_out: tuple[Any, ...] = ()) -> list[str]:
    first: dict[int, str] = {id(value): "" for value in leave_out}
    for name, value in bound.items():
        usable = isinstance(value, kinds) and (isinstance(value, (Program, Sequence, Translates)))
        if usable and not name.startswith("_"):
            first.setdefault(id(value), name)
    return [name for name in first.values() if name]


def _only(path: Path, bound: dict[str, Any]) -> str:
    names = _programs(bound)
    if not names:
        raise ProgramError(
            f"`{path}` holds no program",
            hint="bind one: reverse = seme.program(expression, vocab='abc', max_length=20)",
        )
    if len(names) > 1:
        raise UsageError(f"`{path}` holds several programs: {', '.join(names)}", hint=f"name one: {path}:{names[0]}")
    return names[0]


def _programs_told(path: Path, bound: dict[str, Any]) -> str:
    names = _programs(bound)
    return f"`{path}` holds {', '.join(names)}" if names else "bind one with seme.program(...)"
