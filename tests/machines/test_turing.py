"""Turing machines as trace programs: the interpreter against a plain simulator."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines.turing_machines import ODOMETERS, read_back, tables, tapes
from seme.core.errors import InputError, TraceError, TuringTableError
from seme.lang.trace import interpret
from seme.machines.turing.named import NAMED, table
from seme.machines.turing.odometer import Odometer
from seme.machines.turing.program import turing
from seme.machines.turing.replay import Replay
from seme.machines.turing.simulator import simulate
from seme.machines.turing.table import parse
from seme.machines.turing.tag import (
    TagSystem,
    rogozhin_2x18,
    rogozhin_2x18_result,
    rogozhin_4x6,
    rogozhin_4x6_result,
)
from seme.machines.turing.universal import universal

UNIVERSAL = [universal(4, 4, odometer) for odometer in ODOMETERS[:3]]


def traced(machine, tape, most):
    prompt = machine.prompt(tape)
    trace = interpret(machine.program, prompt, most)
    return read_back(machine, prompt, trace), trace


@given(text=tables())
def test_a_table_reads_as_it_prints(text):
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("1RB1LB_1L", "state B at symbol 0"),
        ("1RB1LB_1LA", "no entry for state B at symbol 1"),
        ("1RB1LB_1LA1RC", "state B at symbol 1, 1RC, goes to state C"),
        ("1RB1LB_2LA1RZ", "state B at symbol 0, 2LA, writes symbol 2"),
        ("1RB1SB_1LA1RZ", "state A at symbol 1"),
        ("1RB1LB__1LA1RZ", "state B at symbol 0"),
        ("", "state A at symbol 0"),
        ("1RA", "one symbol"),
        ("bb6", "state A at symbol 0"),
        ("_".join(["1RZ1RZ"] * 26), "26 states"),
    ],
)
def test_a_malformed_table_is_refused_and_the_entry_named(text, named):
    with pytest.raises(TuringTableError, match=named) as caught:
        parse(text)
    assert caught.value.code == "S050"
    assert caught.value.exit_code == 4


def test_h_is_a_state_where_there_are_eight_and_halts_where_there_are_fewer():
    assert parse("1RH1RH").entries[0][0].to is None
    assert parse("_".join(["1RH1RZ"] * 8)).entries[0][0].to == 7


@pytest.mark.parametrize(("name", "steps", "ones"), [("bb2", 6, 4), ("bb3", 21, 5), ("bb4", 107, 13)])
def test_a_champion_takes_the_known_steps_in_the_interpreter(name, steps, ones):
    replay, trace = traced(turing(table(name)), {}, 200)
    assert (replay.steps, replay.ones, replay.halted, len(trace)) == (steps, ones, True, steps)
    assert replay.run() == simulate(table(name))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps", "ones"), [("bb5", 47_176_870, 4098), ("bb2x4", 3_932_964, 2050)])
def test_a_champion_takes_the_known_steps_in_the_simulator(name, steps, ones):
    run = simulate(table(name))
    assert (run.steps, run.ones, run.halted) == (steps, ones, True)


@settings(deadline=None)
@given(st.sampled_from(ODOMETERS), st.data())
def test_a_code_says_which_digits_a_step_changes(odometer, data):
    place, right = data.draw(st.integers(0, odometer.cells - 1)), data.draw(st.booleans())
    after = place + 1 if right else place - 1
    code = odometer.code(after, right)
    assert code in odometer.codes
    if code == odometer.edge:
        assert not 0 <= after < odometer.cells
        return
    move, was, now = odometer.move(code, right), odometer.digits(place), odometer.digits(after)
    assert now == (*move.after, *now[move.level + 1 :])
    assert was == (*move.before, *was[move.level + 1 :])
    assert was[move.level + 1 :] == now[move.level + 1 :]
    assert odometer.place(now) == after


@settings(deadline=None, max_examples=60)
@given(tables(), st.sampled_from(ODOMETERS), st.data())
def test_the_trace_of_a_random_machine_on_a_random_tape_is_what_a_simulator_does(text, odometer, data):
    machine = turing(parse(text), odometer)
    tape = data.draw(tapes(machine.symbols))
    replay, trace = traced(machine, tape, 200)
    assert replay.run() == simulate(parse(text), tape, len(trace))
    if replay.end == "edge":
        assert replay.head in (-odometer.home - 1, odometer.home)
    elif len(trace) < 200:
        assert replay.end == "halted"


@settings(deadline=None, max_examples=60)
@given(tables(), st.sampled_from(UNIVERSAL), st.data())
def test_one_program_that_reads_the_table_does_what_a_simulator_does(text, reader, data):
    machine = reader.machine(parse(text))
    tape = data.draw(tapes(machine.symbols))
    replay, trace = traced(machine, tape, 200)
    assert replay.run() == simulate(parse(text), tape, len(trace))


@pytest.mark.parametrize("widths", [(4, 4, 4), (1,) * 12, (6, 6), (2, 7, 3)])
@pytest.mark.parametrize("row", ["0RA1RA", "0LA1LA"])
def test_a_head_that_walks_off_the_tape_ends_in_a_token_that_says_so(row, widths):
    odometer = Odometer(widths=widths)
    replay, trace = traced(turing(parse(row), odometer), {}, 5000)
    assert replay.end == "edge"
    assert not replay.halted
    assert len(trace) == odometer.home + (row[1] == "L")
    assert trace[-1].endswith(f":{odometer.edge}")


def test_a_wrong_entry_in_the_table_gives_another_trace():
    right, wrong = parse("1RB1LB_1LA0LC_1RZ1LD_1RD0RA"), parse("1RB1LB_1LA0LC_1RZ1LD_1RD1RA")
    assert traced(turing(wrong), {}, 200)[0].run() != simulate(right, most=200)


def test_a_trace_that_contradicts_itself_is_refused():
    machine = turing(table("bb4"))
    prompt = machine.prompt()
    trace = interpret(machine.program, prompt, 200)
    at = next(i for i, token in enumerate(trace) if token.endswith(":2"))
    for changed in (
        [*trace[:at], trace[at].replace(":2", ":3"), *trace[at + 1 :]],
        [*trace[:at], *trace[at + 1 :]],
        [*trace, trace[-1]],
    ):
        with pytest.raises(TraceError):
            read_back(machine, prompt, changed)


def test_a_long_trace_is_read_in_parts_of_any_size():
    machine = turing(parse("1RB0LB_1LA1RA"), Odometer())
    prompt = machine.prompt({-3: 1, 2: 1})
    trace = interpret(machine.program, prompt, 3000)
    rows = np.array([machine.program.vocabulary.row(token) for token in trace])
    whole = read_back(machine, prompt, trace)
    replay = Replay(machine)
    replay.prompt(np.array([machine.program.vocabulary.row(token) for token in prompt]))
    for at in range(0, len(rows), 7):
        replay.feed(rows[at : at + 7])
    assert replay.run() == whole.run() == simulate(parse("1RB0LB_1LA1RA"), {-3: 1, 2: 1}, 3000)


def test_a_tape_with_a_foreign_symbol_or_beyond_the_cells_is_refused():
    machine = turing(table("bb2"), Odometer(widths=(2, 2)))
    with pytest.raises(InputError, match="symbol 2 at place 0"):
        machine.prompt({0: 2})
    with pytest.raises(InputError, match="places from 9 to 9"):
        machine.prompt({9: 1})
    assert len(machine.prompt({-8: 1, 6: 1})) == 7 + 1 + 9 + 1


def test_a_table_too_large_for_the_program_that_reads_it_is_refused():
    with pytest.raises(InputError, match="5 states and 2 symbols, expected at most 4 and 4"):
        UNIVERSAL[0].machine(table("bb5"))


def test_what_the_prompt_leaves_open_halts():
    machine = UNIVERSAL[0].machine(parse("---1RB_---1RB"))
    assert machine.rules == ("A1=1RB", "B1=1RB")
    replay, trace = traced(machine, {0: 1, 1: 1}, 9)
    assert (len(trace), replay.halted, replay.head, replay.ones) == (3, True, 2, 2)


def _tag_systems(most, count, form):
    """Tag systems that halt soon, in the order of a listing."""
    out = []
    for letters in (1, 2):
        rests = [rest for size in (0, 1, 2) for rest in product(range(letters + 1), repeat=size)]
        for picked in product(rests, repeat=letters):
            if form:  # twice the last letter but one, then nothing for that letter, and something for the others
                made = tuple((letters - 1, letters - 1, *rest) for rest in picked)
                good = all((len(rest) > 0) == (i < letters - 1) for i, rest in enumerate(picked))
            else:
                made, good = picked, all(picked)
            for word in product(range(letters + 1), repeat=3):
                if good and (after := TagSystem(produces=made).run(word, most))[1] and len(after[0]) > 1:
                    out.append((TagSystem(produces=made), word, after[0]))
    return out[:: max(1, len(out) // count)]


@pytest.mark.parametrize(
    ("name", "write", "read", "form", "left"),
    [
        ("rogozhin4x6", rogozhin_4x6, rogozhin_4x6_result, True, lambda word, last: (*word[2:], last)),
        ("rogozhin2x18", rogozhin_2x18, rogozhin_2x18_result, False, lambda word, last: word[1:]),
    ],
)
def test_a_universal_machine_does_what_the_tag_system_on_its_tape_does(name, write, read, form, left):
    systems = _tag_systems(8, 60, form)
    assert len(systems) > 50
    for system, word, after in systems:
        coding = write(system, word)
        run = simulate(table(name), coding.tape, 500_000)
        assert run.halted, (system, word)
        assert read(coding, run.tape) == left(after, system.halting), (system, word)


def test_the_smallest_published_example_of_the_4x6_machine_takes_the_published_steps():
    system = TagSystem(produces=((0, 0),))
    coding = rogozhin_4x6(system, (0, 0, 1))
    assert simulate(table("rogozhin4x6"), coding.tape).steps == 518


def test_a_universal_machine_with_a_wrong_entry_does_not_do_what_the_tag_system_does():
    wrong = parse(NAMED["rogozhin2x18"].replace("16RB---", "16LA---"))
    system, word, after = _tag_systems(8, 60, False)[-1]
    coding = rogozhin_2x18(system, word)
    right = simulate(table("rogozhin2x18"), coding.tape)
    assert rogozhin_2x18_result(coding, right.tape) == after[1:]
    assert simulate(wrong, coding.tape, right.steps) != right


@pytest.mark.parametrize(
    ("name", "write", "most"), [("rogozhin4x6", rogozhin_4x6, 600), ("rogozhin2x18", rogozhin_2x18, 600)]
)
def test_a_universal_machine_as_a_trace_does_what_the_simulator_does(name, write, most):
    tape = write(TagSystem(produces=((0, 0),)), (0, 0, 1)).tape
    replay, _ = traced(turing(table(name)), tape, most)
    assert replay.run() == simulate(table(name), tape, most)
    assert replay.halted
