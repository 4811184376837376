"""The list of example programs: what the demo shows, the tests prove and the benchmarks time.

Each program is named by the file that holds it and the name it is bound to there, with an input to try it on. What a
program computes is stated in words in the docstring of its file, and read from there.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from seme.lang import Program

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One example program.

    Attributes:
        file: The file that holds it.
        name: The name it is bound to there.
        sample: An input to show it on.
    """

    file: str
    name: str
    sample: tuple[str | int, ...]

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    @property
    def program(self) -> Program:
        return getattr(load(self.file), self.name)

    @property
    def statement(self) -> str:
        return statements(self.file)[self.name]


@cache
def load(file: str) -> ModuleType:
    """Runs an example file once."""
    name = f"seme_examples_{Path(file).stem}"
    spec = importlib.util.spec_from_file_location(name, FOLDER / file)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@cache
def statements(file: str) -> dict[str, str]:
    """What each program of a file computes, in words.

    A docstring opens with a title; then come paragraphs that hold for all programs of the file; and lines such as
    "`name`, `name`: ..." which hold for these, continued by indented lines.
    """
    docstring = ast.get_docstring(ast.parse((FOLDER / file).read_text(encoding="utf-8"))) or ""
    shared: list[str] = []
    items: list[list[str]] = []
    for line in docstring.splitlines()[1:]:
        if line.startswith("`"):
            items.append([line])
        elif line.startswith(" ") and items:
            items[-1].append(line)
        elif line.strip():
            shared.append(line)
    stated: dict[str, str] = {}
    for item in items:
        names, _, words = " ".join(line.strip() for line in item).partition(": ")
        for name in names.split(", "):
            stated[name.strip("`")] = " ".join([*shared, words[:1].upper() + words[1:]])
    return stated


def _list(file: str, **samples: str | tuple[str | int, ...]) -> tuple[Listed, ...]:
    return tuple(Listed(file=file, name=name, sample=tuple(sample)) for name, sample in samples.items())


PROGRAMS: tuple[Listed, ...] = (
    *_list("length.py", length="hello", length_counted="hello", prefix_length="hello"),
    *_list("reverse.py", reverse="transformer"),
    *_list(
        "hist.py",
        hist="mississippi",
        hist_with_bos="^mississippi",
        hist_so_far="mississippi",
        double_hist="mississippi",
        double_hist_positions="mississippi",
        count_less_freq="mississippi",
    ),
    *_list("sort.py", sort="transformer", sort_unique="tracing", sort_distinct="mississippi"),
    *_list(
        "sort_by.py",
        sort_by_key=("three", "one", "eleven", "two", "seven"),
        sort_freq="mississippi",
        most_freq="mississippi",
    ),
    *_list("fractions_so_far.py", frac_prevs="xaxbx", frac_prevs_causal="xaxbx", pair_balance="f(a(b))"),
    *_list("shuffle_dyck.py", shuffle_dyck_1="(()())", shuffle_dyck_2="([)]()", shuffle_dyck_3="({[)]}"),
    *_list(
        "dyck.py",
        dyck_1="(()())",
        dyck_2="([])[(])",
        dyck_3="({[]})}",
        dyck_1_causal="())(",
        dyck_2_causal="([])[(])",
    ),
    *_list("shift.py", shift_by_2="hello", shift_left_1="hello", rotate_3="hello"),
    *_list(
        "patterns.py",
        detect_pattern="abcabdabc",
        count_a="banana",
        first_occurrence="banana",
        last_occurrence="banana",
        induction="bananaban",
    ),
    *_list(
        "maps.py",
        caesar="xyzabc",
        caesar_keyed="cxyzabc",
        median_of_three=(3, 1, 5, 0, 2),
        majority_of_five=(1, 1, 0, 1, 0, 0),
    ),
    *_list(
        "parity.py",
        parity_count=(1, 0, 1, 1),
        parity_bit=(1, 0, 1, 1),
        parity_scan=(1, 0, 1, 1),
        parity_so_far=(1, 0, 1, 1),
        parity_scan_so_far=(1, 0, 1, 1),
    ),
    *_list("addition.py", decimal_addition=("93", "45", "55"), long_addition="4987+5013"),
    *_list(
        "digits.py",
        binary_to_decimal=(1, 0, 1, 1),
        binary_so_far=(1, 0, 1, 1),
        mod_13_sum=(12, 12, 3),
        surprise="banana",
    ),
    *_list("quotes.py", balanced_quotes='"a" "b', inside_quotes='"ab" c', two_quotes="a\"b'c\"'d'"),
)
