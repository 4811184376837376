"""Weight files opened for reading rows: safetensors, sharded or not, torch files of plain tensors, npz."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from seme.core.errors import FolderError
from seme.read.rows import Rows

SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")
TORCH = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth")
HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tensor in a file, not read yet.

    Attributes:
        shape: Its shape.
        read: Gives slice start to stop along the first axis as a torch tensor.
        half: Whether it is stored in 16 bits.
    """

    shape: tuple[int, ...]
    read: Callable[[int, int], torch.Tensor]
    half: bool

    def tensor(self) -> torch.Tensor:
        """Reads all of it as float32 (float64 stays)."""
        return _floats(self.read(0, self.shape[0] if self.shape else 1))

    def rows(self) -> Rows:
        """Gives it as a streamed table in float32 or float64; leading axes of length 1 are dropped."""
        shape = self.shape
        while len(shape) > 2 and shape[0] == 1:
            shape = shape[1:]
        if len(shape) != 2:
            raise FolderError(
                f"cannot use a tensor of shape {self.shape} as a table: expected rows and a width",
                hint="name another tensor with --token-key or --position-key",
            )
        if len(self.shape) > 2:
            whole = self.tensor().reshape(shape)
            return Rows(shape=shape, read=lambda start, stop: whole[start:stop].numpy(), half=self.half)
        return Rows(shape=shape, read=lambda start, stop: _floats(self.read(start, stop)).numpy(), half=self.half)


def _floats(values: torch.Tensor) -> torch.Tensor:
    """The numbers as float32; float64 stays, complex ones are refused, since half of each would be lost."""
    if values.is_complex():
        raise FolderError(
            f"cannot use a tensor of {str(values.dtype).removeprefix('torch.')}: expected real numbers",
            hint="write real and imaginary parts as two tensors",
        )
    return values if values.dtype == torch.float64 else values.to(torch.float32)


Weights = Mapping[str, Entry]


def weight_file(folder: Path) -> Path:
    """Finds the weights of a model folder: safetensors before torch files.

    Raises:
        FolderError: If there is none.
    """
    for name in (*SAFETENSORS, *TORCH):
        if (folder / name).is_file():
            return folder / name
    others = sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")])
    if len(others) == 1:
        return others[0]
    raise FolderError(
        f"cannot find weights in `{folder}`: got {len(others)} weight files, expected one of "
        f"{', '.join(SAFETENSORS + TORCH)}",
        hint="name the file itself, with --position-key and --token-key",
    )


def open_weights(path: Path) -> dict[str, Entry]:
    """Opens a weight file without reading its tensors.

    Args:
        path: A .safetensors, .bin, .pt, .pth or .npz file, or an index of shards.

    Returns:
        Entries by tensor name.

    Raises:
        FolderError: If the file cannot be read, or is a pickle of more than plain tensors.
    """
    if path.name.endswith(".index.json"):
        return _open_shards(path)
    if path.suffix == ".safetensors":
        return _open_safetensors(path)
    if path.suffix == ".npz":
        return _open_npz(path)
    if path.suffix == ".npy":
        raise FolderError(
            f"cannot read `{path}`: a .npy file holds one array without a name",
            hint="save it as .npz, with a name for each table",
        )
    return _open_torch(path)


def _open_shards(index: Path) -> dict[str, Entry]:
    try:
        names = json.loads(index.read_text())["weight_map"]
    except (OSError, ValueError, KeyError) as error:
        raise FolderError(
            f"cannot read the shard index `{index}`: {error}", hint="the file is damaged; fetch it again"
        ) from error
    found: dict[str, Entry] = {}
    for shard in sorted(set(names.values())):
        found |= open_weights(index.parent / shard)
    missing = sorted(set(names) - set(found))
    if missing:
        raise FolderError(
            f"cannot read `{index.name}`: {len(missing)} of the tensors it lists are in no shard, the first "
            f"is `{missing[0]}`",
            hint="a shard is missing or cut short; fetch it again",
        )
    return found


def _open_safetensors(path: Path) -> dict[str, Entry]:
    try:
        handle = safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise FolderError(
            f"cannot read `{path}` as safetensors: {error}", hint="the file is damaged; fetch it again"
        ) from error
    return {key: _slice_entry(handle, key) for key in handle.keys()}  # noqa: SIM118 - not a mapping


def _slice_entry(handle: Any, key: str) -> Entry:
    piece = handle.get_slice(key)
    shape = tuple(piece.get_shape())
    read = (lambda start, stop: piece[start:stop]) if shape else (lambda start, stop: handle.get_tensor(key))
    return Entry(shape=shape, read=read, half=piece.get_dtype() in ("F16", "BF16"))


def _open_torch(path: Path) -> dict[str, Entry]:
    hint = "convert it to safetensors where you trust it: only plain tensors are read, nothing is executed"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FolderError(f"cannot read `{path}`: it is a pickle of more than plain tensors", hint=hint) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, IndexError) as error:
        why = str(error) or type(error).__name__
        raise FolderError(f"cannot read `{path}` as a torch file: {why}", hint="is it a weights file?") from error
    tensors = _plain_tensors(content)
    if not tensors:
        raise FolderError(f"cannot read `{path}`: it holds no named tensors", hint=hint)
    return {key: _tensor_entry(value) for key, value in tensors.items()}


def _plain_tensors(content: Any) -> dict[str, torch.Tensor]:
    """Tensors by name, also one level down (`state_dict`, `model`)."""
    if not isinstance(content, Mapping):
        return {}
    found = {str(key): value for key, value in content.items() if isinstance(value, torch.Tensor)}
    if not found:
        for value in content.values():
            found = found or _plain_tensors(value)
    return found


def _tensor_entry(value: torch.Tensor) -> Entry:
    return Entry(
        shape=tuple(value.shape),
        read=(lambda start, stop: value[start:stop]) if value.dim() else (lambda start, stop: value),
        half=value.dtype in HALF,
    )


def _open_npz(path: Path) -> dict[str, Entry]:
    try:
        with np.load(path, allow_pickle=False) as content:
            found = {key: _tensor_entry(torch.from_numpy(content[key])) for key in content.files}
    except (OSError, ValueError, TypeError, EOFError, AttributeError, BadZipFile) as error:
        raise FolderError(
            f"cannot read `{path}` as npz: {str(error) or type(error).__name__}",
            hint="arrays of numbers only; pickled objects are refused",
        ) from error
    if not found:
        raise FolderError(f"cannot read `{path}`: it holds no arrays", hint="is it a weights file?")
    return found
