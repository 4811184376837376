from __future__ import annotations

import pytest
from tests.cli.conftest import EXAMPLES


def test_a_string_is_read_as_characters_and_a_list_as_tokens(seme, reverse_folder):
    assert seme("run", reverse_folder, "abc").out == '["c", "b", "a"]\n'
    assert seme("run", reverse_folder, '["a", "b", "c"]').out == '["c", "b", "a"]\n'
    assert seme("run", reverse_folder, "abc", "--json").json == {"schema": 1, "output": ["c", "b", "a"]}


@pytest.mark.parametrize("text", ["", "[]"])
def test_an_empty_input_gives_an_empty_list(seme, reverse_folder, text):
    assert seme("run", reverse_folder, text, "--json").json["output"] == []


def test_a_file_is_compiled_and_run(seme):
    told = seme("run", f"{EXAMPLES / 'addition.py'}:decimal_addition", '["93", "45", "55"]', "--json")
    assert told.json == {"schema": 1, "digit": [3, 0, 0], "overflow": [1, 1, 1]}


def test_numbers_can_be_written_as_text_in_a_string_but_keep_their_type_in_a_list(seme):
    target = f"{EXAMPLES / 'parity.py'}:parity_bit"
    assert seme("run", target, "1011").out == "[1, 1, 1, 1]\n"
    assert seme("run", target, "[1, 0, 1, 1]").out == "[1, 1, 1, 1]\n"
    told = seme("run", target, '["1"]')
    assert told.status == 4
    assert "1 is not '1'" in told.err


def test_words_stand_between_blanks_where_tokens_are_longer_than_a_character(seme):
    assert seme("run", f"{EXAMPLES / 'addition.py'}:decimal_addition", "93 45 55", "--json").json["digit"] == [3, 0, 0]


def test_brackets_that_are_no_json_are_characters_where_they_are_tokens(seme):
    target = f"{EXAMPLES / 'shuffle_dyck.py'}:shuffle_dyck_2"
    assert seme("run", target, "[(])").out == "[true, true, true, true]\n"
    told = seme("run", target, "[]")
    assert told.out == "[]\n"
    assert "read as a JSON list" in told.err
    assert seme("run", target, "[]", "--quiet").err == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab!", "unknown token '!' at position 2"),
        ("a" * 21, "21 tokens, expected at most 20"),
        ("[a, b]", "opens like a JSON list but is none"),
        ('["a", 1]', "read as a JSON list"),
        ('[["a"]]', "unknown token ['a']"),
    ],
)
def test_an_input_that_cannot_be_run_ends_with_status_4(seme, reverse_folder, text, message):
    told = seme("run", reverse_folder, text)
    assert (told.status, told.out) == (4, "")
    assert message in told.err
    assert "error[S004]" in told.err


def test_an_unknown_character_is_told_with_how_the_input_was_read(seme, reverse_folder):
    assert "read as one token per character" in seme("run", reverse_folder, "ab!").err


def test_a_folder_is_run_in_another_float_type(seme, reverse_folder):
    assert seme("run", reverse_folder, "abc", "--dtype", "float64").out == '["c", "b", "a"]\n'


def test_a_compiled_model_cannot_be_given_another_vocabulary(seme, reverse_folder):
    told = seme("run", reverse_folder, "abc", "--vocab", "abc")
    assert told.status == 2
    assert "--vocab" in told.err


def test_something_that_is_no_model_is_refused(seme, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for target in (tmp_path, tmp_path / "nothing", tmp_path / "notes.txt"):
        told = seme("run", target, "abc")
        assert told.status == 4
        assert "expected a model folder" in told.err or "is not a model folder" in told.err
