import json
import shutil

import pytest
import torch

from seme.core.errors import FolderError, InputError, UnsuitableModelError
from seme.studies.checkpoints import compare_checkpoints


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    import transformers

    root = tmp_path_factory.mktemp("checkpoints")
    config = transformers.GPT2Config(
        vocab_size=256, n_positions=32, n_embd=16, n_layer=2, n_head=2,
        resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(config)
    model.save_pretrained(root / "before")
    with torch.no_grad():
        for size, name in ((1e-4, "near"), (1e-1, "far")):
            moved = transformers.GPT2LMHeadModel.from_pretrained(root / "before")
            for value in moved.parameters():
                value.add_(size * torch.randn_like(value))
            moved.save_pretrained(root / name)
    other = transformers.GPT2Config(vocab_size=256, n_positions=32, n_embd=24, n_layer=2, n_head=2)
    transformers.GPT2LMHeadModel(other).save_pretrained(root / "other")
    (root / "text.txt").write_text("the quick brown fox jumps over the lazy dog; " * 8)
    return root


def test_two_checkpoints_near_each_other_are_linear_and_far_ones_are_not(folders):
    near = compare_checkpoints(folders / "before", folders / "near", folders / "text.txt")["runs"][0]
    far = compare_checkpoints(folders / "before", folders / "far", folders / "text.txt")["runs"][0]
    assert near["taylor_gap"] < 0.02
    assert near["verdict"] == "LINEAR"
    assert far["verdict"] == "NONLINEAR"
    assert far["kernel_drift"] > near["kernel_drift"]
    same = compare_checkpoints(folders / "before", folders / "before", folders / "text.txt")["runs"][0]
    assert same["verdict"] == "UNLEARNED"


def test_checkpoints_that_cannot_be_compared_are_refused(folders, tmp_path):
    with pytest.raises(UnsuitableModelError, match="different architectures"):
        compare_checkpoints(folders / "before", folders / "other", folders / "text.txt")
    with pytest.raises(FolderError, match=r"config\.json"):
        compare_checkpoints(folders / "before", tmp_path, folders / "text.txt")
    broken = shutil.copytree(folders / "near", tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(FolderError, match="cannot load"):
        compare_checkpoints(folders / "before", broken, folders / "text.txt")
    short = tmp_path / "short.txt"
    short.write_text("short")
    with pytest.raises(InputError, match="at least"):
        compare_checkpoints(folders / "before", folders / "near", short)
    with pytest.raises(InputError, match="cannot read"):
        compare_checkpoints(folders / "before", folders / "near", tmp_path / "none.txt")


def changed(folder, target, change):
    """A copy of a folder whose weights were changed by hand."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, target)
    weights = load_file(target / "model.safetensors")
    change(weights)
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target


def spoil(value):
    def change(weights):
        weights["transformer.h.1.mlp.c_fc.weight"][3, 3] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda w: w.pop("transformer.h.1.attn.c_attn.weight"),
            r"`transformer\.h\.1\.attn\.c_attn\.weight` is missing",
        ),
        (lambda w: w.update(extra=torch.ones(2)), "`extra` is no weight"),
        (
            lambda w: w.update({"transformer.wpe.weight": w["transformer.wpe.weight"][:5].clone()}),
            r"wpe\.weight` has shape \(5, 16\), its configuration says \(32, 16\)",
        ),
    ],
)
def test_weights_that_would_be_made_up_or_left_out_are_refused_by_name(change, words, folders, tmp_path):
    wrong = changed(folders / "before", tmp_path / "wrong", change)
    for pair in ((folders / "before", wrong), (wrong, folders / "before")):
        with pytest.raises(FolderError, match=words):
            compare_checkpoints(*pair, folders / "text.txt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(value, folders, tmp_path):
    wrong = changed(folders / "near", tmp_path / "wrong", spoil(value))
    with pytest.raises(InputError, match=r"weights after: 1 of 1024 values of `\S*h\.1\.mlp\.c_fc\.weight`"):
        compare_checkpoints(folders / "before", wrong, folders / "text.txt")
    with pytest.raises(InputError, match="weights before"):
        compare_checkpoints(wrong, folders / "before", folders / "text.txt")


def test_checkpoints_of_16_bits_are_measured_in_32(folders, tmp_path):
    import transformers

    sides = []
    for name in ("before", "near"):
        model = transformers.GPT2LMHeadModel.from_pretrained(folders / name, dtype=torch.bfloat16)
        model.save_pretrained(tmp_path / name)
        model.float().save_pretrained(tmp_path / f"{name}-wide")
        sides.append((tmp_path / name, tmp_path / f"{name}-wide"))
    narrow, wide = (
        compare_checkpoints(before, after, folders / "text.txt")["runs"][0]
        for before, after in zip(*sides, strict=True)
    )
    assert narrow == wide


def test_a_configuration_that_makes_another_function_of_the_weights_is_refused(folders, tmp_path):
    other = shutil.copytree(folders / "far", tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"n_head": 4}))
    with pytest.raises(UnsuitableModelError, match="differ in `n_head`"):
        compare_checkpoints(folders / "before", other, folders / "text.txt")


def test_a_configuration_of_the_wrong_type_is_refused(folders, tmp_path):
    other = shutil.copytree(folders / "near", tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"n_head": "four"}))
    with pytest.raises(FolderError, match="n_head"):
        compare_checkpoints(folders / "before", other, folders / "text.txt")


def test_a_tokenizer_that_cannot_be_read_or_fits_another_model_is_refused(folders, tmp_path):
    wrong = shutil.copytree(folders / "near", tmp_path / "wrong")
    (wrong / "tokenizer.json").write_text('{"a":1}')
    with pytest.raises(FolderError, match="cannot use the tokenizer"):
        compare_checkpoints(wrong, wrong, folders / "text.txt")
    words = dict.fromkeys(("the", "quick", "brown", "[UNK]"), 300)
    model = {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"}
    split = {"type": "Whitespace"}
    (wrong / "tokenizer.json").write_text(
        json.dumps({"version": "1.0", "added_tokens": [], "pre_tokenizer": split, "model": model})
    )
    (wrong / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    with pytest.raises(InputError, match="gives token 300, the model knows 256"):
        compare_checkpoints(wrong, wrong, folders / "text.txt")


def test_models_that_cannot_be_run_on_tokens_alone_are_refused(folders, tmp_path):
    import transformers

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    images = transformers.ViTModel(transformers.ViTConfig(**small, image_size=8, patch_size=4))
    texts = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=256, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    )
    bloom = transformers.BloomForCausalLM(transformers.BloomConfig(vocab_size=256, hidden_size=16, n_layer=1, n_head=2))
    for name, model, words in (
        ("vit", images, "ViTModel .* reads no tokens"),
        ("t5", texts, "cannot be run on tokens alone"),
        ("bloom", bloom, "no forward derivative"),
    ):
        model.save_pretrained(tmp_path / name)
        with pytest.raises(UnsuitableModelError, match=words):
            compare_checkpoints(tmp_path / name, tmp_path / name, folders / "text.txt")
