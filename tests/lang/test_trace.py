import pytest

from seme.core.errors import InputError, ProgramError
from seme.lang import trace as t
from support.traces import memory, odometer

LETTERS = t.vocabulary({letter: {"n": i, "odd": i % 2} for i, letter in enumerate("abcd")})


def read(word, text):
    """What a word is after each letter."""
    tracer = t.Tracer(t.trace_program(LETTERS, emit={"n": LETTERS["n"], "odd": word}, longest=100))
    out = []
    for letter in text:
        tracer.read(LETTERS.row(letter))
        out.append(tracer.value(word))
    return out


def test_fields_arithmetic_and_comparisons():
    n, odd = LETTERS["n"], LETTERS["odd"]
    assert read(2 * n - odd + 1, "abcd") == [1, 2, 5, 6]
    assert read(n >= 2, "abcd") == [0, 0, 1, 1]
    assert read(n < 2, "abcd") == [1, 1, 0, 0]
    assert read(n == 1, "abcd") == [0, 1, 0, 0]
    assert read(n != 3, "abcd") == [1, 1, 1, 0]
    assert read((n >= 1) & ~odd, "abcd") == [0, 0, 1, 0]
    assert read((n == 0) | odd, "abcd") == [1, 1, 0, 1]
    assert read((n >= 2) ^ odd, "abcd") == [0, 1, 1, 0]


def test_choose_adds_the_value_whose_bit_is_on():
    n, odd = LETTERS["n"], LETTERS["odd"]
    assert read(t.choose([(odd, n - 2), (1 - odd, t.word(5))]), "abcd") == [5, -1, 5, 1]


def test_tables_and_bits_of_a_word():
    n = LETTERS["n"]
    low, high = t.bits(3 - n, 2)
    assert read(low, "abcd") == [1, 0, 1, 0]
    assert read(high, "abcd") == [1, 1, 0, 0]
    assert read(t.table(n, {0: 7, 1: 7, 2: -1, 3: 0}), "abcd") == [7, 7, -1, 0]


def test_stairs_count_how_often_a_word_has_risen():
    n = LETTERS["n"]
    assert read(t.stairs(3 * n - 2, 3), "abcd") == [0, 0, 1, 2]
    assert read(t.stairs(n, 4), "abcd") == [0, 0, 0, 0]
    with pytest.raises(ProgramError, match="stairs of 0"):
        t.stairs(n, 0)


def test_the_last_write_wins_and_what_was_never_written_has_the_default():
    n, odd = LETTERS["n"], LETTERS["odd"]
    found = t.latest(n, key=[odd], query=[1 - odd], default=3)
    assert read(found, "aacbda") == [3, 3, 3, 2, 2, 3]
    assert read(t.latest(n, where=odd, default=0), "abadc") == [0, 1, 1, 3, 3]


def test_the_first_write_stays():
    n, odd = LETTERS["n"], LETTERS["odd"]
    assert read(t.first(n, where=odd, default=0), "abadc") == [0, 1, 1, 1, 1]


def test_offsets_counts_and_sums():
    n, odd = LETTERS["n"], LETTERS["odd"]
    assert read(t.previous(n, 2, default=1), "bcda") == [1, 1, 1, 2]
    assert read(t.count(odd, longest=100), "badd") == [1, 1, 2, 3]
    assert read(t.running_sum(n, longest=100), "badd") == [1, 1, 4, 7]


def test_a_word_that_depends_on_itself_is_refused():
    state = t.later("state", 0, 3)
    state.is_(t.table(state + LETTERS["odd"], {i: i % 4 for i in range(5)}))
    with pytest.raises(ProgramError, match=r"`state` depends on itself at the same position[\s\S]*through tokens"):
        t.trace_program(LETTERS, emit={"n": state}, longest=10)


def test_a_look_back_at_itself_is_refused_too():
    # Attention at the next layer would be needed at every step: only tokens go round.
    state = t.later("state", 0, 3)
    state.is_(t.table(t.previous(state) + LETTERS["odd"], {i: i % 4 for i in range(5)}))
    with pytest.raises(ProgramError, match="through tokens"):
        t.trace_program(LETTERS, emit={"n": state}, longest=10)


def test_a_vouched_range_that_does_not_hold_stops_the_interpreter():
    with pytest.raises(ProgramError, match=r"`small` is 3 after 1 tokens, vouched to be from 0 to 2"):
        read(t.within(LETTERS["n"], 0, 2, name="small"), "ad")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda n: t.latest(n, key=[n], query=[n]), "wants bits, got `n` from 0 to 3"),
        (lambda n: t.latest(n, key=[n >= 1], query=[]), "1 bits of key and 0 of query"),
        (lambda n: n * n, "two words are multiplied"),
        (lambda n: t.table(n, {0: 1}), "says nothing of 1"),
        (lambda n: t.previous(n, 0), "offset 0"),
        (lambda n: t.latest([n, n], default=[1]), "2 values and 1 defaults"),
        (lambda n: t.total([(1, t.word("a"))]), "expected a word or a whole number"),
        (lambda n: t.table(n * 30000, {}), "expected at most 65,536"),
    ],
)
def test_what_is_no_word_is_refused(make, complaint):
    with pytest.raises(ProgramError, match=complaint):
        make(LETTERS["n"])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"emit": {}}, "emits no field"),
        ({"emit": {"m": LETTERS["n"]}}, "no field `m`"),
        ({"emit": {"odd": LETTERS["odd"]}}, "do not tell all tokens apart"),
        ({"emit": {"n": LETTERS["n"]}, "stops": ["z"]}, "stop 'z' is no token"),
        ({"emit": {"n": LETTERS["n"]}, "longest": 0}, "expected at least 1"),
    ],
)
def test_a_program_that_is_not_well_formed_is_refused(options, complaint):
    with pytest.raises(ProgramError, match=complaint):
        t.trace_program(LETTERS, **{"longest": 10} | options)


def test_what_is_emitted_must_be_a_token():
    program = t.trace_program(LETTERS, emit={"n": LETTERS["n"] + 1}, longest=10)
    with pytest.raises(ProgramError, match="no token has n=4"):
        t.interpret(program, "d", 1)
    with pytest.raises(InputError, match="unknown token 'z'"):
        t.interpret(program, "z", 1)


def test_the_trace_ends_at_a_stop():
    assert t.interpret(odometer(), ["w13", "w23", "w03", "w02", "w32"], 50)[-1] == "halt"
    assert len(t.interpret(memory(), ["3=1"], 50)) == 50
