import pytest
import torch

import seme
from seme.core.errors import InputError, UsageError
from seme.exchange import Model
from support.models import fraction_of_a, previous_token, random_artifact, true_fractions


def test_a_model_is_called_on_a_list_or_a_string():
    model = Model(previous_token())
    assert model("abc") == model(["a", "b", "c"]) == model(iter("abc")) == [None, "a", "b"]
    assert model([]) == model("") == []
    assert model.batch(["ab", []]) == [[None, "a"], []]
    assert model.batch([]) == []


def test_several_outputs_come_as_a_dict():
    model = Model(random_artifact())
    assert set(model("ab")) == {"label", "value"}
    assert len(model("ab")["value"]) == 2
    assert model("") == {"label": [], "value": []}


def test_bad_input_is_an_input_error():
    with pytest.raises(InputError, match="unknown token 'z'"):
        Model(previous_token())("az")
    with pytest.raises(InputError, match="expected at most 9"):
        Model(previous_token())("a" * 10)


def test_it_is_saved_and_loaded(tmp_path):
    Model(previous_token()).save(tmp_path / "m")
    model = seme.load(tmp_path / "m")
    assert model("abc") == [None, "a", "b"]
    assert "gpt2, 1 layers" in repr(model)


def test_it_runs_in_another_float_type():
    model = Model(fraction_of_a()).to(dtype="float64")
    assert model.logits("ab").dtype is torch.float64
    assert model.artifact.spec.dtype == "float64"
    assert model.to(dtype=torch.float32)("abca") == [float(x) for x in true_fractions("abca", causal=True)]


def test_a_float_type_that_is_too_narrow_is_refused():
    with pytest.raises(UsageError, match=r"does not fit into float16.*1\.09951e\+12"):
        Model(fraction_of_a()).to(dtype="float16")
    with pytest.raises(UsageError, match="expected one of"):
        Model(fraction_of_a()).to(dtype="int8")
