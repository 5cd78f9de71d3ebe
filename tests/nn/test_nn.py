"""What the models share: padding, masked means, positions, the Transformer, windows that overlap."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tsrep.nn.masking import masked_mean
from tsrep.nn.overlap import cover, cut, join
from tsrep.nn.padding import first_to_last, inside
from tsrep.nn.position import log_spaced_frequencies, paper_frequencies, sinusoids
from tsrep.nn.transformer import Transformer


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_inside_is_from_the_first_to_the_last_observation(seen):
    places = np.flatnonzero(seen)
    expected = np.zeros(len(seen), bool)
    if len(places):
        expected[places[0] : places[-1] + 1] = True
    flags = torch.tensor([seen])
    assert inside(torch.where(flags, 1.0, torch.nan).unsqueeze(-1)).numpy().tolist() == [expected.tolist()]
    assert first_to_last(flags).numpy().tolist() == [expected.tolist()]


def test_a_masked_mean_is_over_the_chosen_and_0_without_any():
    error = torch.tensor([1.0, 2.0, 6.0])
    assert masked_mean(error, torch.tensor([True, False, True])) == 3.5
    assert masked_mean(error, torch.zeros(3, dtype=torch.bool)) == 0


def test_positions_are_those_of_the_paper():
    code = sinusoids(torch.tensor([[0.0, 3.0]]), paper_frequencies(6, torch.device("cpu")))[0]
    angles = 3.0 / 10_000 ** (np.arange(3) * 2 / 6)
    np.testing.assert_allclose(code[1], np.concatenate([np.sin(angles), np.cos(angles)]), atol=1e-6)
    assert code[0].tolist() == [0, 0, 0, 1, 1, 1]
    spaced = log_spaced_frequencies(8, 1000.0, torch.device("cpu"))
    np.testing.assert_allclose(spaced, [1, 0.1, 0.01, 0.001], rtol=1e-5)


def test_the_transformer_is_torchs_with_a_norm_at_the_end():
    torch.manual_seed(0)
    ours = Transformer(8, depth=2, n_heads=2, mlp_ratio=3).eval()
    layer = nn.TransformerEncoderLayer(8, 2, 24, 0.0, "gelu", batch_first=True, norm_first=True)
    theirs = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8), enable_nested_tensor=False).eval()
    for mine, other in zip(ours.blocks, theirs.layers, strict=True):
        other.self_attn.in_proj_weight.data = mine.query_key_value.weight.data
        other.self_attn.in_proj_bias.data = mine.query_key_value.bias.data
        other.self_attn.out_proj.load_state_dict(mine.attended.state_dict())
        other.norm1.load_state_dict(mine.before_attention.state_dict())
        norm, into, _, out = mine.perceptron
        other.norm2.load_state_dict(norm.state_dict())
        other.linear1.load_state_dict(into.state_dict())
        other.linear2.load_state_dict(out.state_dict())
    x, within = torch.randn(3, 7, 8), torch.ones(3, 7, dtype=torch.bool)
    within[0, 4:] = False
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)
    masked = theirs(x, src_key_padding_mask=~within)
    torch.testing.assert_close(ours(x, within)[within], masked[within], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 7, 20, 50])
@pytest.mark.parametrize("steps", [1, 6, 20, 41])
def test_windows_cover_every_step_and_join_undoes_cut(steps, length):
    x = torch.randn(2, steps, 3)
    windows = cover(2, steps, length)
    parts = cut(x, windows)
    assert parts.shape[1] == min(length, steps)
    torch.testing.assert_close(join(parts, windows, tuple(x.shape)), x)
