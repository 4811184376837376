from __future__ import annotations

import signal

import pytest

import seme.cli.turing as runs
from seme.cli.turing import read_tape
from seme.core.errors import InputError
from seme.exchange.writer import save
from seme.machines.turing import simulate, table, turing_model

KEYS = {"halted", "steps", "ones", "tokens", "seconds", "tokens_per_second", "peak_memory_bytes"}


@pytest.mark.parametrize(
    ("text", "steps", "ones"), [("bb2", 6, 4), ("1RB1LB_1LA1RZ", 6, 4), ("bb3", 21, 5), ("BB4", 107, 13)]
)
def test_a_machine_runs_to_its_halt(seme, text, steps, ones):
    result = seme("turing", text, "--json", "--quiet")
    assert (result.status, result.err) == (0, "")
    told = result.json
    assert set(told) >= KEYS
    assert (told["schema"], told["halted"], told["steps"], told["ones"], told["tokens"]) == (
        1,
        True,
        steps,
        ones,
        steps,
    )
    assert told["seconds"] > 0
    assert told["tokens_per_second"] == pytest.approx(steps / told["seconds"])
    assert 1e7 < told["peak_memory_bytes"] < 1e10


def test_what_is_printed_is_the_steps_the_ones_and_the_tape(seme):
    result = seme("turing", "bb4")
    assert result.status == 0
    assert result.out == "steps 107\nones  13\ntape  10111111111111  (14 cells from -10 on, the head at -9)\n"
    assert result.err.startswith("halted\n107 tokens in ")


@pytest.mark.parametrize("engine", ["sparse", "dense"])
def test_a_machine_that_does_not_halt_in_the_steps_asked_for_exits_with_one(seme, engine):
    result = seme("turing", "bb5", "--max-steps", "300", "--engine", engine, "--json")
    assert (result.status, result.json["halted"], result.json["end"], result.json["steps"]) == (1, False, "steps", 300)
    wanted = simulate(table("bb5"), most=300)
    first, symbols = result.json["tape"]["first"], result.json["tape"]["symbols"]
    assert {first + i: int(symbol) for i, symbol in enumerate(symbols) if symbol != "0"} == wanted.tape
    assert (result.json["ones"], result.json["head"]) == (wanted.ones, wanted.head)


def test_no_steps_at_all_leave_the_tape_as_it_was(seme):
    result = seme("turing", "bb2", "--tape", "0110", "--max-steps", "0", "--json")
    assert (result.status, result.json["steps"], result.json["ones"]) == (1, 0, 2)
    assert result.json["tape"] == {"first": 1, "symbols": "11"}


@pytest.mark.parametrize("tape", ["1011", "11^0", "^1", "1^", "0001"])
def test_a_tape_is_where_the_machine_begins(seme, tape):
    result = seme("turing", "bb3", "--tape", tape, "--json")
    wanted = simulate(table("bb3"), {place: s for place, s in read_tape(tape, 2).items() if s})
    assert (result.status, result.json["steps"], result.json["ones"]) == (0, wanted.steps, wanted.ones)


def test_a_tape_is_read_from_the_head_to_the_right():
    assert read_tape("101", 2) == {0: 1, 1: 0, 2: 1}
    assert read_tape("10^1", 2) == {-2: 1, -1: 0, 0: 1}
    assert read_tape("12,0 , 3^4", 18) == {-3: 12, -2: 0, -1: 3, 0: 4}
    assert read_tape("", 2) == {}


@pytest.mark.parametrize("tape", ["2", "1a", "1^^1", "-1", "1,9", "١"])
def test_a_tape_with_something_else_than_symbols_is_refused(seme, tape):
    with pytest.raises(InputError):
        read_tape(tape, 2)
    assert seme("turing", "bb2", f"--tape={tape}").status == 4


def test_symbols_of_two_digits_have_commas_between_them(seme):
    with pytest.raises(InputError, match="commas"):
        read_tape("1a", 18)
    result = seme("turing", "rogozhin2x18", "--tape", "16,16,5^5,1,12", "--max-steps", "100", "--json")
    wanted = simulate(table("rogozhin2x18"), read_tape("16,16,5^5,1,12", 18), 100)
    assert result.json["tape"]["symbols"].split(",")[0] == "16"
    assert result.json["ones"] == wanted.ones


@pytest.mark.parametrize(
    ("text", "named"),
    [("1RB1LB_1L", "state B at symbol 0"), ("1RB1LB_1LA", "state B at symbol 1"), ("1RB1LB_1LA9RZ", "1, 9RZ, writes")],
)
def test_a_malformed_table_is_refused_by_its_entry(seme, text, named):
    result = seme("turing", text)
    assert (result.status, result.out) == (4, "")
    assert "error[S050]" in result.err
    assert named in result.err
    assert "hint:" in result.err


def test_a_table_may_begin_with_an_open_entry(seme):
    result = seme("turing", "---1RB_1LA---", "--json")
    assert (result.status, result.json["steps"], result.json["halted"]) == (0, 1, True)


def test_neither_table_nor_model_is_a_usage_error(seme):
    result = seme("turing")
    assert result.status == 2
    assert "error[S001]" in result.err


def test_a_saved_machine_runs_without_its_table_and_no_other(seme, tmp_path):
    save(turing_model("bb3"), tmp_path / "bb3")
    assert seme("turing", "--model", tmp_path / "bb3", "--json").json["steps"] == 21
    assert seme("turing", "bb3", "--model", tmp_path / "bb3", "--json").json["steps"] == 21
    result = seme("turing", "bb4", "--model", tmp_path / "bb3")
    assert result.status == 2
    assert "seme machine turing" in result.err
    assert seme("turing", "bb4", "--model", tmp_path / "none").status == 4


def test_a_model_that_reads_its_table_runs_any_table_of_its_size(seme, tmp_path):
    save(turing_model(states=4, symbols=2, dtype="float32"), tmp_path / "any")
    for name, steps in (("bb2", 6), ("bb3", 21), ("bb4", 107)):
        assert seme("turing", name, "--model", tmp_path / "any", "--json").json["steps"] == steps
    assert seme("turing", "bb5", "--model", tmp_path / "any").status == 4
    assert seme("turing", "--model", tmp_path / "any").status == 2


def test_a_model_that_is_no_turing_machine_is_refused(seme, reverse_folder):
    result = seme("turing", "bb2", "--model", reverse_folder)
    assert result.status == 4
    assert "no Turing machine" in result.err


def test_a_checkpoint_is_gone_on_from(seme, tmp_path):
    kept = tmp_path / "kept"
    first = seme("turing", "bb5", "--max-steps", "1000", "--checkpoint", kept, "--json").json
    second = seme("turing", "bb5", "--max-steps", "2500", "--checkpoint", kept, "--json").json
    whole = seme("turing", "bb5", "--max-steps", "2500", "--json").json
    assert (first["steps"], second["steps"], second["tokens"]) == (1000, 2500, 1500)
    assert (second["tape"], second["head"]) == (whole["tape"], whole["head"])
    assert seme("turing", "bb4", "--checkpoint", kept).status == 4
    assert seme("turing", "bb5", "--checkpoint", kept, "--engine", "dense").status == 2


def test_an_interrupt_ends_a_run_with_what_is_known(seme, monkeypatch):
    plain = runs.run
    monkeypatch.setattr(runs, "run", lambda *args, **more: plain(*args, **{**more, "tick": _interrupt}))
    result = seme("turing", "1RB1LB_1LA1RA", "--json")
    assert (result.status, result.json["halted"], result.json["end"]) == (130, False, "stopped")
    assert result.json["steps"] > 0
    wanted = simulate(table("1RB1LB_1LA1RA"), most=result.json["steps"])
    assert (result.json["ones"], result.json["head"]) == (wanted.ones, wanted.head)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_steps_and_tokens_a_second_are_shown_on_a_terminal_only(capsys, monkeypatch):
    with runs._bar(None, quiet=False) as tick:
        tick(5)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with runs._bar(100, quiet=False) as tick:
        tick(50)
    shown = capsys.readouterr()
    assert "50 steps" in shown.err
    assert "tokens/s" in shown.err
    assert shown.out == ""


def _interrupt(steps: int) -> None:
    signal.raise_signal(signal.SIGINT)


def test_an_unknown_name_is_answered_with_those_there_are(seme):
    told = seme("turing", "bb9")
    assert told.status == 4
    assert "no machine named 'bb9'" in told.err
    assert "bb5, bb2x4, rogozhin4x6" in " ".join(told.err.split())


def test_a_missing_folder_says_which_command_makes_a_machine(seme, tmp_path):
    told = seme("turing", "bb5", "--model", tmp_path / "nothere")
    assert told.status == 4
    assert "seme machine rv32im|turing -o DIR" in " ".join(told.err.split())


def test_without_the_compiler_the_dense_engine_is_named_and_runs(seme, monkeypatch):
    monkeypatch.setattr("seme.execute.sparse.build.find_spec", lambda name: None)
    told = seme("turing", "bb2")
    assert (told.status, "--engine dense" in told.err) == (3, True)
    assert seme("turing", "bb2", "--engine", "dense").status == 0
