"""What is installed on this machine, and what each absence disables."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

import torch

NEEDED = ("seme", "torch", "numpy", "safetensors", "beartype", "jaxtyping", "click", "rich")
OPTIONAL = {
    "transformers": ("hf", "seme export --to hf is written but not compared; models in memory for transformers"),
    "tokenizers": ("hf", "the tokenizer in memory (folders hold one all the same)"),
    "onnx": ("onnx", "seme export --to onnx"),
    "onnxruntime": ("onnx", "seme export --to onnx: the file cannot be compared"),
    "transformer-lens": ("transformer-lens", "seme export --to transformer-lens"),
    "ziglang": ("machines", "the fast engine (--engine sparse), and C files for seme exec"),
    "pyelftools": ("machines", "seme exec"),
    "unicorn": ("machines", "seme exec --check"),
    "capstone": ("machines", "seme exec --trace, and the assembly text of a divergence"),
}
"""Package to the extra that brings it and what is not possible without it."""


def survey() -> dict[str, Any]:
    """Versions, devices and optional tools, as plain JSON.

    The foreign libraries are looked up, not imported: that takes seconds and tells no more.
    """
    return {
        "schema_version": 1,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in NEEDED},
        "devices": _devices(),
        "tools": [
            {
                "name": name,
                "version": _version(name),
                "disables": None if _version(name) else disabled,
                "install": None if _version(name) else f"pip install 'seme[{extra}]'",
            }
            for name, (extra, disabled) in OPTIONAL.items()
        ],
    }


def survey_text(found: dict[str, Any]) -> str:
    """The survey for people, a fact per line."""
    lines = [f"python {found['python']} on {found['platform']}"]
    lines += [f"{name} {version or 'not installed'}" for name, version in found["versions"].items()]
    lines += [f"device {device['name']}: {device['what']}" for device in found["devices"]]
    for tool in found["tools"]:
        if tool["version"]:
            lines.append(f"{tool['name']} {tool['version']}")
        else:
            lines.append(f"{tool['name']} not installed; without it: {tool['disables']}; {tool['install']}")
    return "\n".join(lines)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[dict[str, str]]:
    threads = torch.get_num_threads()
    devices = [{"name": "cpu", "what": f"{os.cpu_count()} cores, torch uses {threads} threads"}]
    for index in range(torch.cuda.device_count()):
        devices.append({"name": f"cuda:{index}", "what": torch.cuda.get_device_name(index)})
    if torch.backends.mps.is_available():
        devices.append({"name": "mps", "what": "Apple GPU; no float64"})
    return devices
