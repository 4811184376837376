"""Two checkpoints of a user's own training run: was the network linear in its weights between them?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seme.core.errors import FolderError, InputError, MissingExtraError
from seme.core.text import read_text
from seme.learn.change import measure_change

# Tokens per window of text, and windows: enough for stable ratios, small enough for a laptop.
WINDOW = 16
WINDOWS = 32


class Answer(nn.Module):
    """A Hugging Face model as a function of tokens: its logits (or hidden state) at the last position."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """`batch pos` -> `batch output`."""
        output = self.model(input_ids=tokens, use_cache=False) if self._caches() else self.model(input_ids=tokens)
        values = output.logits if hasattr(output, "logits") else output.last_hidden_state
        return values[:, -1] if values.ndim == 3 else values

    def _caches(self) -> bool:
        return bool(getattr(self.model.config, "use_cache", False))


def compare_checkpoints(before: Path, after: Path, data: Path) -> dict[str, Any]:
    """Measures the change between two Hugging Face folders on a text.

    Args:
        before: Folder of the weights before training (with or without a tokenizer).
        after: Folder of the weights after training.
        data: A text file; cut into windows of equal length, so that no padding is needed.

    Returns:
        `{"schema", "checkpoints": {...}, "runs": [one row]}`.

    Raises:
        MissingExtraError: `transformers` is not installed.
        FolderError: A folder cannot be loaded.
        InputError: The text is too short.
        UnsuitableModelError: The two have different architectures.
    """
    first, last = _load(before), _load(after)
    tokens = _windows(before, data, int(first.config.vocab_size))  # type: ignore[union-attr]
    model = Answer(first).eval()
    sides = [{f"model.{name}": value.detach() for name, value in side.named_parameters()} for side in (first, last)]
    change = asdict(measure_change(model, sides[0], sides[1], tokens))
    return {
        "schema": 1,
        "checkpoints": {"before": str(before), "after": str(after), "windows": list(tokens.shape)},
        "runs": [change],
        "slopes": [],
    }


def _load(folder: Path) -> nn.Module:
    try:
        import transformers
        from safetensors import SafetensorError
    except ModuleNotFoundError as error:
        raise MissingExtraError("comparing checkpoints", "hf") from error
    if not (folder / "config.json").is_file():
        raise FolderError(f"{folder} is no model folder: it has no config.json", hint="name a Hugging Face folder")
    loading = transformers.utils.logging
    verbosity, bars = loading.get_verbosity(), loading.is_progress_bar_enabled()
    loading.set_verbosity_error()
    loading.disable_progress_bar()
    try:
        config = transformers.AutoConfig.from_pretrained(folder)
        named = getattr(config, "architectures", None) or []
        kind = getattr(transformers, named[0], transformers.AutoModel) if named else transformers.AutoModel
        return kind.from_pretrained(folder, config=config, attn_implementation="eager").eval()
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise FolderError(f"cannot load the model in {folder}: {error}") from error
    finally:
        loading.set_verbosity(verbosity)
        if bars:
            loading.enable_progress_bar()


def _windows(folder: Path, data: Path, vocabulary: int) -> Tensor:
    """The text as `window pos` tokens, by the folder's tokenizer, or byte by byte where it has none."""
    import transformers

    text = read_text(data)
    has_tokenizer = any((folder / f).is_file() for f in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"))
    if has_tokenizer:
        ids = transformers.AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    else:
        ids = [byte % vocabulary for byte in text.encode()]
    count = min(WINDOWS, len(ids) // WINDOW)
    if count < 2:
        raise InputError(
            f"the data {data} has {len(ids)} tokens, at least {2 * WINDOW} are needed",
            hint="use a longer text",
        )
    return torch.tensor(ids[: count * WINDOW]).reshape(count, WINDOW)
