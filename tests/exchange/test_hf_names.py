"""Weights under the names of `transformers`, and back."""

from __future__ import annotations

import pytest
import torch

from seme.exchange.hf_names import LARGE, _laid


def sparse_rows(rows: int, columns: int, every: int, dtype: torch.dtype) -> torch.Tensor:
    out = torch.zeros(rows, columns, dtype=dtype)
    draws = torch.randn(-(-rows * columns // every), generator=torch.Generator().manual_seed(every))
    out.view(-1)[::every] = draws.to(dtype)
    out[0, 1] = -0.0
    return out


@pytest.mark.parametrize("every", [1, 7, 9, 1000])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_laid_out_weight_is_the_copy_bit_for_bit(every, dtype):
    stored = sparse_rows(300, 360, every, dtype)
    assert stored.numel() > LARGE
    views = [stored, stored.T, stored.split(120, dim=1)[1].reshape(300, 4, 30).permute(1, 0, 2)]
    for view in views:
        wide = torch.float64 if dtype != torch.float16 else dtype
        got, expected = _laid(view, wide), view.to(wide).contiguous()
        bits = torch.int16 if wide == torch.float16 else torch.int64
        assert got.is_contiguous()
        assert torch.equal(got.view(bits), expected.view(bits))
        changed = view.flatten().clone()
        changed[-1] = 3.0
        assert not torch.equal(_laid(changed.reshape(view.shape), wide), expected)  # the comparison can fail
