import itertools

import pytest

from seme.compiler import cost as module
from seme.compiler.cost import FUNCTIONS, INTEGER_FUNCTIONS, REAL, cost, integer_program, real_program
from seme.core.errors import NotProvedError, UsageError
from seme.lang import interpret

MOST_NEURONS_AT_8_BITS = {
    "add": 0, "subtract": 0, "multiply": 8, "divide": 120, "modulo": 140, "compare": 2, "equal": 3, "min": 1, "max": 1,
    "abs": 1, "and": 8, "or": 8, "xor": 16, "shift": 8, "shift-right": 8, "if": 1,
}  # fmt: skip


@pytest.mark.parametrize("function", INTEGER_FUNCTIONS)
def test_at_8_bits_all_pairs_are_right_and_cheap(function):
    told = cost(function)
    assert (told["checked"], told["wrong"]) == (65536, 0)
    assert told["neurons"] <= MOST_NEURONS_AT_8_BITS[function]
    assert told["observed_error"] <= told["max_error"] < 0.5
    assert told["exact"]["float32"]
    assert told["exact"]["float64"]


@pytest.mark.parametrize("function", INTEGER_FUNCTIONS)
@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_narrow_cells_are_right_too(function, bits, activation):
    told = cost(function, bits=bits, activation=activation)
    assert (told["checked"], told["wrong"]) == (4**bits, 0)


@pytest.mark.parametrize("function", INTEGER_FUNCTIONS)
def test_what_a_cell_means_is_what_its_program_says(function):
    program = integer_program(function, 3)
    for a, b in itertools.product(range(8), repeat=2):
        assert interpret(program, [a, b])[1] == INTEGER_FUNCTIONS[function].meant(a, b, 3)


def test_a_wrong_function_is_found_out(monkeypatch):
    wrong = module.Function(written=lambda a, b, n: a + b, meant=lambda a, b, n: a | b, means="wrong")
    monkeypatch.setattr(module, "INTEGER_FUNCTIONS", {"add": wrong})
    told = cost("add", bits=3)
    assert told["checked"] == 64
    assert told["wrong"] == 64 - 27  # a + b is a | b where no bit is set in both: 3 of 4 ways for each bit


@pytest.mark.parametrize("function", REAL)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_proved_error_of_a_real_function_keeps_what_was_asked_and_holds(function, activation):
    told = cost(function, error=0.005, activation=activation)
    assert told["neurons"] > 0
    assert told["wrong"] == 0
    assert 0 < told["observed_error"] <= told["max_error"] <= 0.005


@pytest.mark.parametrize("function", REAL)
def test_more_neurons_make_the_error_smaller(function):
    few, many = (cost(function, neurons=n) for n in (8, 32))
    assert (few["neurons"], many["neurons"]) == (7, 31)  # one piece is the linear part
    assert many["max_error"] < few["max_error"] / 8
    assert many["observed_error"] <= many["max_error"]


def test_an_error_below_rounding_is_refused():
    with pytest.raises(NotProvedError, match=r"cannot prove `log` on \[1, 64\] to 1e-06 in float32"):
        cost("log", error=1e-6)
    assert cost("log", between=(1, 2), error=1e-6, dtype="float64")["max_error"] <= 1e-6


def test_all_functions_of_the_issue_are_there():
    asked = "add subtract multiply divide compare min max and xor shift exp log sqrt reciprocal"
    assert set(asked.split()) <= set(FUNCTIONS)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        ("cube", {}, "unknown function 'cube'"),
        ("add", {"bits": 0}, "--bits is 0, expected 1 to 10"),
        ("add", {"bits": 11}, "--bits is 11"),
        ("add", {"error": 0.1}, "is a function of integers"),
        ("add", {"between": (0.0, 1.0)}, "is a function of integers"),
        ("exp", {"bits": 8}, "is a function of real numbers"),
        ("exp", {"between": (1.0, 1.0)}, "expected LO,HI"),
        ("exp", {"between": (0.0, float("nan"))}, "expected LO,HI"),
        ("log", {"between": (0.0, 1.0)}, "undefined on part"),
        ("sqrt", {"between": (-1.0, 1.0)}, "undefined on part"),
        ("reciprocal", {"between": (-1.0, 1.0)}, "undefined on part"),
        ("exp", {"error": 0.1, "neurons": 3}, "both --error and --neurons"),
        ("exp", {"error": 0.0}, "--error is 0"),
        ("exp", {"neurons": 0}, "--neurons is 0"),
        ("add", {"dtype": "float8"}, "unknown float type"),
        ("add", {"activation": "tanh"}, "unknown activation"),
    ],
)
def test_options_that_do_not_fit_are_refused(function, options, message):
    with pytest.raises(UsageError, match=message):
        cost(function, **options)


def test_the_argument_of_a_real_cell_is_the_mean_of_its_tokens():
    program = real_program("sqrt", (1.0, 9.0), error=0.1)
    assert interpret(program, [7.0, 1.0]) == [7.0**0.5, 2.0]
