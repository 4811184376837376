from __future__ import annotations

import json

import pytest
from tests.cli.conftest import EXAMPLES

from seme.exchange import load_artifact

LANG = "import seme\nfrom seme.lang import tokens, positions, length, map, count, select\n"
BARE = "from seme.lang import tokens, map\nshout = map(str.upper, tokens)\n"
RASP = "from seme import rasp\nhist = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))\n"
TWO = (
    LANG + "a = seme.program(tokens, vocab='ab', max_length=2)\nb = seme.program(positions, vocab='ab', max_length=2)\n"
)


def test_json_holds_the_figures_of_the_model_that_was_written(seme, tmp_path):
    told = seme("compile", EXAMPLES / "reverse.py", "-o", tmp_path / "m", "--json").json
    spec = load_artifact(tmp_path / "m").spec
    assert told["schema"] == 1
    for key in ("layers", "d_model", "heads", "d_head", "d_mlp"):
        assert told[key] == getattr(spec, key)
    weights = load_artifact(tmp_path / "m").weights.values()
    assert told["parameters"] == sum(w.numel() for w in weights)
    assert told["nonzero"] == sum(int((w != 0).sum()) for w in weights)
    assert told["compile_seconds"] > 0
    assert set(told["exact_up_to"]) == {"float16", "bfloat16", "float32", "float64"}
    assert told["exact_up_to"]["float32"] >= 20


def test_exact_up_to_is_kept_in_the_certificate_of_the_folder(seme, tmp_path):
    told = seme("compile", EXAMPLES / "reverse.py", "-o", tmp_path / "m", "--json").json
    assert json.loads((tmp_path / "m" / "certificate.json").read_text())["exact_up_to"] == told["exact_up_to"]


def test_compiling_twice_gives_the_same_bytes(seme, tmp_path):
    for name in "ab":
        assert seme("compile", EXAMPLES / "hist.py:hist", "-o", tmp_path / name).status == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_without_json_stdout_is_the_folder_and_quiet_silences_the_rest(seme, tmp_path):
    told = seme("compile", EXAMPLES / "reverse.py", "-o", tmp_path / "m")
    assert told.out == f"{tmp_path / 'm'}\n"
    assert "proved exact up to length" in told.err
    assert seme("compile", EXAMPLES / "reverse.py", "-o", tmp_path / "m", "-q").err == ""


def test_options_override_the_program(seme, tmp_path):
    arguments = ["--vocab", "xyz", "--max-length", "5", "--causal", "--dtype", "float64", "--activation", "gelu"]
    told = seme("compile", EXAMPLES / "length.py:prefix_length", "-o", tmp_path / "m", *arguments)
    assert told.status == 0, told.err
    artifact = load_artifact(tmp_path / "m")
    assert artifact.tokens.values == ("x", "y", "z")
    assert (artifact.spec.n_positions, artifact.spec.architecture) == (6, "gpt2")
    assert (artifact.spec.dtype, artifact.spec.activation) == ("float64", "gelu")


@pytest.mark.parametrize("body", [BARE, RASP])
def test_a_bare_expression_is_compiled_with_a_vocabulary_and_a_length(seme, tmp_path, program_file, body):
    path = program_file(body)
    arguments = ["compile", path, "-o", tmp_path / "m"]
    told = seme(*arguments)
    assert told.status == 2
    assert "--vocab" in told.err
    assert seme(*arguments, "--vocab", '["a", "b"]', "--max-length", "3").status == 0


def test_a_file_of_several_programs_needs_a_name_and_lists_them(seme, tmp_path, program_file):
    path = program_file(TWO)
    told = seme("compile", path, "-o", tmp_path / "m")
    assert told.status == 2
    assert "several programs: a, b" in told.err
    assert seme("compile", f"{path}:b", "-o", tmp_path / "m").status == 0
    assert seme("run", f"{path}:b", "ab").out == "[0, 1]\n"


def test_a_name_that_is_not_there_is_told_with_those_that_are(seme, tmp_path, program_file):
    told = seme("compile", f"{program_file(TWO)}:c", "-o", tmp_path / "m")
    assert told.status == 4
    assert "holds a, b" in told.err


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("x = 1\n", "holds no program"),
        ("from seme.lang import tokens, positions\n", "holds no program"),
        ("def f():\n    return 1 / 0\nf()\n", "p.py:2: ZeroDivisionError"),
        ("x = (\n", "p.py:1: SyntaxError"),
        ("import sys\nsys.exit(3)\n", "p.py:2: SystemExit"),
        ("import seme\nfrom seme.lang import tokens\n\np = seme.program(tokens, vocab='', max_length=2)\n", "p.py:4: "),
        (LANG + "p = seme.program(map({'a': 1}.__getitem__, tokens), vocab='ab', max_length=2)\n", "undefined"),
        (LANG + "p = seme.program(1 // positions, vocab='ab', max_length=2)\n", "divides by zero"),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_status_4_and_leaves_nothing(seme, tmp_path, program_file, body, message):
    told = seme("compile", program_file(body), "-o", tmp_path / "m")
    assert told.status == 4, told.err
    assert message in told.err
    assert told.out == ""
    assert [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"] == ["p.py"]


def test_what_cannot_be_proved_is_refused_with_node_and_remedy(seme, tmp_path):
    told = seme("compile", EXAMPLES / "shuffle_dyck.py:shuffle_dyck_2", "-o", tmp_path / "m", "--dtype", "bfloat16")
    assert told.status == 2
    assert "S006" in told.err
    assert "--dtype float32" in told.err
    assert not (tmp_path / "m").exists()


def test_a_file_sees_its_own_folder_and_what_it_prints_is_no_answer(seme, tmp_path, program_file):
    program_file("WORD = 'ab'\n", "neighbour_of_program.py")
    body = "import seme\nfrom neighbour_of_program import WORD\nfrom seme.lang import tokens\nprint('noise')\n"
    path = program_file(body + "p = seme.program(tokens, vocab=WORD, max_length=2)\n")
    told = seme("run", path, "ba")
    assert (told.out, told.status) == ('["b", "a"]\n', 0)


def test_a_missing_file_and_a_missing_option_are_told_apart(seme, tmp_path):
    assert seme("compile", tmp_path / "none.py", "-o", tmp_path / "m").status == 4
    assert seme("compile", tmp_path / "none.py").status == 2
    assert seme("compile", EXAMPLES / "reverse.py", "-o", tmp_path / "m", "--dtype", "int8").status == 2
