"""What the models share: padding, masked means, positions, the Transformer, windows that overlap."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tsrep.nn.masking import lowest, masked_mean, shuffled, take_tokens, unshuffled
from tsrep.nn.overlap import cover, cut, join
from tsrep.nn.padding import first_to_last, inside
from tsrep.nn.patch import patch_of_step, to_patches, to_steps
from tsrep.nn.position import grid_code, log_spaced_frequencies, paper_frequencies, sinusoids
from tsrep.nn.transformer import CrossAttentionBlock, Transformer


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


def test_positions_masking_and_unshuffling_are_those_of_the_mae_authors(fixtures_root):
    recorded = np.load(fixtures_root / "mae_reference.npz")
    for name, width in (("pos_embed", 48), ("decoder_pos_embed", 32)):
        code = grid_code(width, 4, 4)
        np.testing.assert_allclose(code, recorded[f"state/{name}"][0, 1:], atol=1e-6)
    noise = torch.from_numpy(recorded["noise"])
    order, restore = shuffled(noise)
    assert np.array_equal(restore, recorded["ids_restore"])
    kept = recorded["latent"].shape[1] - 1
    hidden = torch.ones(noise.shape, dtype=torch.bool).scatter(1, order[:, :kept], False)
    assert np.array_equal(hidden, recorded["mask"].astype(bool))
    patches = torch.from_numpy(recorded["patches"])
    token = torch.full((patches.shape[2],), -7.0)
    back = unshuffled(take_tokens(patches, order[:, :kept]), token, restore)
    assert torch.equal(back, torch.where(hidden.unsqueeze(-1), token, patches))


def test_a_grid_code_of_one_axis_is_the_papers_and_the_last_axis_goes_first():
    line = grid_code(8, 5)
    np.testing.assert_allclose(line, sinusoids(torch.arange(5.0), paper_frequencies(8, line.device)))
    grid = grid_code(8, 2, 3)
    column, row = grid_code(4, 3), grid_code(4, 2)
    np.testing.assert_allclose(grid.view(2, 3, 8)[1], torch.cat([column, row[1].expand(3, -1)], 1))
    with pytest.raises(ValueError, match="width is 6; wanted a multiple of 4"):
        grid_code(6, 2, 2)


def test_the_lowest_of_each_row():
    noise = torch.tensor([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    assert lowest(noise, torch.tensor([2, 1])).tolist() == [[False, True, True], [True, False, False]]


@given(st.integers(1, 23), st.integers(1, 7), st.integers(0, 3))
def test_patches_end_with_the_series_and_go_back_into_steps(steps, length, after):
    x = torch.arange(1.0, 2 * steps + 1).view(2, steps, 1)
    after = min(after, steps - 1)
    x[1, steps - after :] = torch.nan
    last = torch.tensor([steps - 1, steps - 1 - after])
    patches = to_patches(x, length, last)
    assert patches.shape == (2, -(-steps // length), length, 1)
    ends = patches[:, -1, -1, 0]
    assert ends.tolist() == [x[0, steps - 1, 0], x[1, steps - 1 - after, 0]]
    back = to_steps(patches, steps, last)
    within = torch.arange(steps) <= last.unsqueeze(1)
    assert torch.equal(back[within], x[within])
    torch.testing.assert_close(to_patches(x[:1], length), patches[:1], equal_nan=True)
    assert torch.equal(to_steps(patches[:1], steps), x[:1])
    number = torch.arange(patches.shape[1]).view(1, -1, 1, 1).expand_as(patches)
    wanted = to_steps(number.float(), steps, last)[..., 0]
    found = patch_of_step(torch.arange(steps), steps, length, last)
    assert torch.equal(found[within].float(), wanted[within])


def test_cross_attention_sees_what_it_may_and_nothing_else():
    torch.manual_seed(0)
    block = CrossAttentionBlock(8, 2)
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    keep = torch.ones(2, 1, 1, 5, dtype=torch.bool)
    keep[..., 4] = False
    other = memory.clone()
    other[:, 4] = 9.0
    assert torch.equal(block(x, memory, keep), block(x, other, keep))
    assert not torch.equal(block(x, memory), block(x, other))
    alone = block(x[:, :1], memory)
    torch.testing.assert_close(block(x, memory)[:, :1], alone)  # queries do not see one another


def test_the_layers_of_a_transformer_end_with_its_output():
    torch.manual_seed(0)
    network = Transformer(8, 3, 2)
    x = torch.randn(2, 4, 8)
    layers = list(network.layers(x))
    assert len(layers) == 3
    torch.testing.assert_close(layers[-1], network(x))


def test_a_series_is_covered_as_it_would_be_alone_whatever_is_beside_it():
    lengths = np.array([3, 10, 25, 0])
    together = cover(4, 25, 8, lengths)
    for row, own in enumerate((3, 10, 25, 1)):
        alone = cover(1, own, 8)
        starts = together.starts[together.rows == row]
        assert starts.tolist() == alone.starts.tolist()
    x = torch.arange(100.0).view(4, 25, 1)
    back = join(cut(x, together), together, (4, 25, 1))
    for row, own in enumerate(lengths[:3]):
        torch.testing.assert_close(back[row, :own], x[row, :own])
    assert back.isfinite().all()
