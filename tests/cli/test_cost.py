import json

import pytest

from seme.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["cost", *arguments])
    return stopped.value.code, *capsys.readouterr()


def test_it_prints_a_table(capsys):
    code, out, err = run(capsys, "xor", "--bits", "3")
    assert (code, err) == (0, "")
    assert "xor, 3 bits, float32" in out
    assert "64, wrong 0" in out


def test_it_prints_json(capsys):
    code, out, _ = run(capsys, "multiply", "--bits", "2", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["schema"] == 1
    assert told["checked"] == 16
    assert told["wrong"] == 0
    assert told["exact"]["float32"] is True
    assert {"function", "layers", "heads", "neurons", "nonzero", "parameters", "max_error"} <= set(told)


def test_a_real_function_takes_a_range_and_an_error(capsys):
    code, out, _ = run(capsys, "exp", "--range=-2,0", "--error", "0.01", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["range"] == [-2.0, 0.0]
    assert told["observed_error"] <= told["max_error"] <= 0.01


def test_a_failed_check_exits_1(capsys, monkeypatch):
    monkeypatch.setattr("seme.compiler.cost._compare", lambda *_: (1, 9.0))
    assert run(capsys, "add", "--bits", "2")[0] == 1


@pytest.mark.parametrize(
    "arguments", [["cube"], ["exp", "--range", "1"], ["exp", "--range", "a,b"], ["add", "--bits", "99"], []]
)
def test_bad_options_exit_2(capsys, arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err
