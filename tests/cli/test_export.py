import json
import sys

import pytest

from seme.cli import main
from seme.compiler.trace import compile_trace
from seme.exchange import load, save
from seme.execute import Dense
from support.models import previous_token
from support.traces import odometer


@pytest.fixture
def folder(tmp_path):
    return save(previous_token("bert"), tmp_path / "m")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    said = capsys.readouterr()
    return stopped.value.code, said.out, said.err


@pytest.mark.parametrize("kind", ["hf", "onnx", "transformer-lens"])
def test_a_folder_is_exported_and_compared(capsys, folder, tmp_path, kind):
    code, out, _ = run(capsys, "export", folder, "--to", kind, "-o", tmp_path / "out", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["to"] == kind
    assert told["compared"] > 0
    assert told["largest_difference"] < 1e-5
    if kind == "onnx":
        assert (tmp_path / "out" / "model.onnx").is_file()
    else:
        assert load(tmp_path / "out")("ab") == [None, "a"]


def test_the_path_is_the_output_and_the_comparison_a_message(capsys, folder, tmp_path):
    code, out, err = run(capsys, "export", folder, "--to", "onnx", "-o", tmp_path / "x.onnx")
    assert (code, out) == (0, f"{tmp_path / 'x.onnx'}\n")
    assert "32 inputs give the same answers there" in err


def test_a_damaged_folder_exits_4_and_writes_nothing(capsys, folder, tmp_path):
    (folder / "config.json").write_text("{")
    code, out, err = run(capsys, "export", folder, "--to", "hf", "-o", tmp_path / "out")
    assert (code, out) == (4, "")
    assert "damaged" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("kind", "library"), [("onnx", "onnx"), ("transformer-lens", "transformers")])
def test_a_missing_library_exits_3_with_the_line_that_installs_it(capsys, folder, tmp_path, monkeypatch, kind, library):
    monkeypatch.setitem(sys.modules, library, None)
    code, out, err = run(capsys, "export", folder, "--to", kind, "-o", tmp_path / "out")
    assert (code, out) == (3, "")
    assert "pip install 'seme[" in err
    assert not (tmp_path / "out").exists()


def test_a_plain_folder_is_written_without_transformers(capsys, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    code, _, err = run(capsys, "export", folder, "--to", "hf", "-o", tmp_path / "out")
    assert code == 0
    assert "not compared" in err


def test_an_unknown_tool_is_a_usage_error(capsys, folder, tmp_path):
    assert run(capsys, "export", folder, "--to", "word", "-o", tmp_path / "out")[0] == 2


@pytest.fixture(scope="module")
def continuing(tmp_path_factory):
    return save(compile_trace(odometer(), max_length=100), tmp_path_factory.mktemp("continuing") / "m")


@pytest.mark.parametrize("kind", ["hf", "onnx", "transformer-lens"])
def test_a_model_that_continues_its_input_is_exported_as_a_language_model(capsys, continuing, tmp_path, kind):
    code, out, _ = run(capsys, "export", continuing, "--to", kind, "-o", tmp_path / "out", "--json")
    told = json.loads(out)
    assert (code, told["compared"]) == (0, 32)
    assert told["largest_difference"] < 1e-9
    if kind != "onnx":
        assert json.loads((tmp_path / "out" / "config.json").read_text())["architectures"] == ["GPT2LMHeadModel"]


def test_an_exported_model_that_chooses_other_tokens_is_not_written(capsys, continuing, tmp_path, monkeypatch):
    def shifted(artifact, kind):
        return lambda ids, mask: Dense(artifact).run_ids(ids, mask.bool()).roll(1, dims=-1)

    monkeypatch.setattr("seme.exchange.export._runner", shifted)
    code, out, err = run(capsys, "export", continuing, "--to", "hf", "-o", tmp_path / "out")
    assert (code, out) == (1, "")
    assert "next tokens differ" in err
    assert not (tmp_path / "out").exists()
