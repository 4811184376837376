"""Two checkpoints of a user's own training run: was the network linear in its weights between them?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import jvp

from seme.core.errors import FolderError, InputError, MissingExtraError, UnsuitableModelError
from seme.core.text import read_text
from seme.learn import call
from seme.learn.change import check_same_architecture, measure_change

# Tokens per window of text, and windows: enough for stable ratios, small enough for a laptop.
WINDOW = 16
WINDOWS = 32
# One function twice, in float32: matrices that lie elsewhere in memory may be summed in another order.
SAME = 64 * 2.0**-23


class Answer(nn.Module):
    """A Hugging Face model as a function of tokens: its logits (or hidden state) at the last position."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """`batch pos` -> `batch output`."""
        output = self.model(input_ids=tokens, use_cache=False) if self._caches() else self.model(input_ids=tokens)
        values = getattr(output, "logits", None)
        if values is None:
            values = output.last_hidden_state
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
        FolderError: A folder cannot be loaded, or its weights are not those of its configuration.
        InputError: The text is too short, or a weight is NaN or infinite.
        UnsuitableModelError: The two have different architectures, or cannot be run on tokens alone.
    """
    first, last = _load(before), _load(after)
    tokens = _windows(before, data, _vocabulary(first, before))
    model, other = Answer(first).eval(), Answer(last).eval()
    for folder, side in ((before, model), (after, other)):
        _check_runs(side, tokens, folder)
    start, end = ({f"model.{n}": v.detach() for n, v in side.named_parameters()} for side in (first, last))
    check_same_architecture(start, end)
    _check_same_function(model, other, end, tokens)
    change = asdict(measure_change(model, start, end, tokens))
    return {
        "schema": 1,
        "checkpoints": {"before": str(before), "after": str(after), "windows": list(tokens.shape)},
        "runs": [change],
        "slopes": [],
    }


def _load(folder: Path) -> nn.Module:
    """The model, with every weight from the folder and none made up."""
    try:
        import transformers
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
        model, found = kind.from_pretrained(
            folder,
            config=config,
            attn_implementation="eager",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
        )
    except Exception as error:  # the loader raises whatever a damaged file makes its parts raise, bare exceptions too
        raise FolderError(
            f"cannot load the model in {folder}: {_briefly(error)}",
            hint="it must load with `from_pretrained` of transformers",
        ) from error
    finally:
        loading.set_verbosity(verbosity)
        if bars:
            loading.enable_progress_bar()
    _check_complete(folder, type(model).__name__, found)
    # a change of weights is lost in the rounding of a 16-bit forward pass
    return (model.float() if model.dtype in (torch.float16, torch.bfloat16) else model).eval()


def _check_complete(folder: Path, kind: str, found: dict[str, Any]) -> None:
    """Refuses what transformers would fill at random or leave out without a word."""
    wrong = [f"`{name}` is missing" for name in sorted(found["missing_keys"])]
    wrong += [
        f"`{name}` has shape {tuple(got)}, its configuration says {tuple(expected)}"
        for name, got, expected in sorted(found["mismatched_keys"])
    ]
    wrong += [f"`{name}` is no weight of this model" for name in sorted(found["unexpected_keys"])]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise FolderError(
            f"the weights in {folder} are not those of the {kind} that its config.json describes: "
            f"{'; '.join(wrong[:3])}{more}",
            hint="save the whole model with save_pretrained, and keep config.json's `architectures` and sizes with it",
        )


def _briefly(error: Exception) -> str:
    """What a library says, on one line: some say a page."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _vocabulary(model: nn.Module, folder: Path) -> int:
    """How many tokens the model knows."""
    size = getattr(model.config.get_text_config(), "vocab_size", None)  # type: ignore[union-attr,operator]
    if not isinstance(size, int):
        raise UnsuitableModelError(
            f"the {type(model).__name__} in {folder} reads no tokens: its configuration has no vocab_size",
            hint="compare models of text",
        )
    return size


def _check_runs(model: Answer, tokens: Tensor, folder: Path) -> None:
    """Refuses a model that does not answer tokens alone, or that has no derivative by its weights."""
    kind = type(model.model).__name__
    few = tokens[:1]
    try:
        with torch.no_grad():
            model(few)
    except Exception as error:  # a foreign forward pass, on inputs it may not be made for
        raise UnsuitableModelError(
            f"the {kind} in {folder} cannot be run on tokens alone: {_briefly(error)}",
            hint="compare models that take input_ids of any length and give logits or hidden states",
        ) from error
    weights = {name: value.detach() for name, value in model.named_parameters()}
    try:
        jvp(lambda at: call(model, at, few), (weights,), (weights,))
    except RuntimeError as error:
        raise UnsuitableModelError(
            f"the {kind} in {folder} has no forward derivative by its weights: {_briefly(error)}",
            hint="its layers must be differentiable by torch.func",
        ) from error


def _check_same_function(model: Answer, other: Answer, end: dict[str, Tensor], tokens: Tensor) -> None:
    """Refuses two models that compute different functions of the same weights."""
    few = tokens[:2]
    with torch.no_grad():
        one, two = call(model, end, few), other(few).flatten(1)
    if one.shape != two.shape or float((one - two).norm()) > SAME * float(two.norm()):
        configs = [side.model.config.to_dict() for side in (model, other)]  # type: ignore[union-attr,operator]
        every = sorted(name for name in configs[0].keys() | configs[1].keys() if not name.startswith("_"))
        names = [name for name in every if configs[0].get(name) != configs[1].get(name)]
        raise UnsuitableModelError(
            "the two checkpoints compute different functions of the same weights; their configurations differ in "
            f"{', '.join(f'`{name}`' for name in names)}",
            hint="compare two checkpoints of one training run",
        )


def _windows(folder: Path, data: Path, vocabulary: int) -> Tensor:
    """The text as `window pos` tokens, by the folder's tokenizer, or byte by byte where it has none."""
    text = read_text(data)
    has_tokenizer = any((folder / f).is_file() for f in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"))
    ids = _tokenized(folder, text) if has_tokenizer else [byte % vocabulary for byte in text.encode()]
    count = min(WINDOWS, len(ids) // WINDOW)
    if count < 2:
        raise InputError(
            f"the data {data} has {len(ids)} tokens, at least {2 * WINDOW} are needed",
            hint="use a longer text",
        )
    if max(ids) >= vocabulary:
        raise InputError(
            f"the tokenizer in {folder} gives token {max(ids)}, the model knows {vocabulary} tokens",
            hint="put the tokenizer that the model was trained with into the folder",
        )
    return torch.tensor(ids[: count * WINDOW]).reshape(count, WINDOW)


def _tokenized(folder: Path, text: str) -> list[int]:
    import transformers

    try:
        return transformers.AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    except Exception as error:  # tokenizers raises bare exceptions, and KeyError or TypeError for files of another form
        raise FolderError(
            f"cannot use the tokenizer in {folder}: {_briefly(error)}",
            hint="save it again with save_pretrained, or remove its files to read the text byte by byte",
        ) from error
