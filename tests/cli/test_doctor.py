import json
from importlib import metadata

import pytest

from seme.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_it_tells_versions_devices_and_tools(capsys):
    told = json.loads(run(capsys, "doctor", "--json"))
    assert told["schema_version"] == 1
    assert told["versions"]["torch"] == metadata.version("torch")
    assert told["devices"][0]["name"] == "cpu"
    assert {tool["name"] for tool in told["tools"]} >= {"transformers", "onnx", "transformer-lens"}


def test_it_tells_what_an_absence_disables(capsys, monkeypatch):
    version = metadata.version

    def without_onnx(name):
        if name == "onnx":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without_onnx)
    line = next(line for line in run(capsys, "doctor").splitlines() if line.startswith("onnx "))
    assert line == "onnx not installed; without it: seme export --to onnx; pip install 'seme[onnx]'"
