"""Encoding that looks back only: the fast paths against windows encoded one by one, for any shape, gap and chunk."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrep import TS2Vec
from tsrep.encoding import online
from tsrep.encoding.windows import encode_windows, tiles
from tsrep.train.runtime import launch
from tsrep.ts2vec.build import build_encoder
from tsrep.ts2vec.fast import replay
from tsrep.ts2vec.fast.window_encoder import WindowEncoder
from tsrep.ts2vec.masks import last


def small_encoder(depth=4, channels=2, backbone="dilated_conv", input_projection=True):
    with torch.random.fork_rng():
        torch.manual_seed(depth)
        return build_encoder(
            channels,
            backbone=backbone,
            input_projection=input_projection,
            hidden_channels=6,
            n_components=9,
            depth=depth,
        ).eval()


def series(n, t, channels=2, gaps=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, t, channels, generator=generator)
    return x.masked_fill(torch.rand(n, t, channels, generator=generator) < gaps, torch.nan)


@torch.no_grad()
def by_definition(encoder, x, context, hide_last=False):
    """Window after window, encoded whole; its last step is kept."""
    padded = torch.cat([torch.full((len(x), context, x.shape[2]), torch.nan), x], dim=1)
    z = []
    for step in range(x.shape[1]):
        window = padded[:, step : step + context + 1]
        z.append(encoder(window, last(*window.shape[:2]) if hide_last else None)[:, -1])
    return torch.stack(z, dim=1)


@settings(max_examples=60)
@given(
    n=st.integers(1, 3),
    t=st.integers(1, 40),
    context=st.integers(0, 90),
    depth=st.integers(0, 8),
    short=st.sampled_from([7, 9, 20, 1000]),
    pushes=st.lists(st.integers(1, 25), min_size=40, max_size=40),
    gaps=st.sampled_from([0.0, 0.3]),
    projected=st.booleans(),
)
def test_windows_side_by_side_equal_windows_one_by_one(n, t, context, depth, short, pushes, gaps, projected):
    encoder, x = small_encoder(depth, input_projection=projected), series(n, t, gaps=gaps)
    windows = WindowEncoder(encoder, context, n, short)
    parts, done = [], 0
    for m in pushes:
        parts.append(windows.push(x[:, done : done + m], (False, True)))
        done += m
        if done >= t:
            break
    shown, hidden = torch.cat(parts, dim=2)
    torch.testing.assert_close(shown, by_definition(encoder, x, context), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(hidden, by_definition(encoder, x, context, True), rtol=1e-5, atol=1e-5)


@settings(max_examples=25)
@given(
    n=st.integers(1, 3),
    t=st.integers(1, 40),
    context=st.integers(0, 60),
    sizes=st.tuples(st.integers(1, 20), st.integers(20, 50)),
    hide_last=st.sampled_from([(False,), (True,), (False, True)]),
)
def test_tiles_of_two_sizes_equal_windows_one_by_one(n, t, context, sizes, hide_last):
    encoder, x = small_encoder(), series(n, t, gaps=0.2)
    found = torch.full((len(hide_last), n, t, 9), torch.nan)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(replay, "TILE_WINDOWS", sizes[0])
        patched.setattr(replay, "LARGE_TILE_WINDOWS", sizes[1])
        patched.setattr(replay, "Captured", lambda function, device, held: function)
        replay._tile.cache_clear()
        for rows, steps, z in replay.encode_in_tiles(encoder, x, context, hide_last, launch("cpu")):
            found[:, rows, steps] = z
        replay._tile.cache_clear()
    for hidden, z in zip(hide_last, found, strict=True):
        torch.testing.assert_close(z, by_definition(encoder, x, context, hidden), rtol=1e-5, atol=1e-5)


def test_what_is_remembered_does_not_grow():
    windows = WindowEncoder(small_encoder(8), context=100)
    sizes = []
    for _ in range(5):
        windows.push(series(1, 70))
        sizes.append([len(level) for level in windows.interior])
    assert sizes[0][0] == 100
    assert all(size == sizes[0] for size in sizes)


@pytest.mark.parametrize("backbone", ["dilated_conv", "lstm", "transformer"])
def test_every_backbone_encodes_windows_as_defined(backbone):
    encoder, x = small_encoder(backbone=backbone), series(3, 700, gaps=0.1)
    fabric = launch("cpu")
    z = torch.empty(2, 3, 700, 9)
    for rows, steps, part in encode_windows(encoder, x, 12, (False, True), fabric):
        z[:, rows, steps] = part
    for variant, hide_last in enumerate((False, True)):
        torch.testing.assert_close(z[variant], by_definition(encoder, x, 12, hide_last), rtol=1e-5, atol=1e-5)


@given(n=st.integers(1, 40), steps=st.integers(1, 40), at_once=st.integers(1, 60))
def test_tiles_cover_everything_once_in_order(n, steps, at_once):
    covered = np.zeros((n, steps), int)
    before = (0, 0)
    for rows, columns in tiles(n, steps, at_once):
        covered[rows, columns] += 1
        assert (rows.stop - rows.start) * (columns.stop - columns.start) <= at_once
        assert (rows.start, columns.start) >= before
        before = (rows.start, columns.start)
    assert (covered == 1).all()


@pytest.fixture(scope="module")
def fitted():
    X = np.random.default_rng(0).normal(size=(2, 2, 300))
    X[0, :, 100:110] = np.nan
    X[1, 1, 50] = np.nan
    model = TS2Vec(n_components=9, hidden_channels=6, depth=7, max_steps=1, random_state=0).fit(X)
    return model, X


def test_the_pair_is_encode_causal_shown_and_hidden(fitted):
    model, X = fitted
    shown, hidden = model.encode_causal_pair(X, context=70)
    np.testing.assert_allclose(shown, model.encode_causal(X, context=70), atol=1e-6)
    np.testing.assert_allclose(hidden, model.encode_causal(X, context=70, hide_last=True), atol=1e-6)
    assert np.abs(shown - hidden).mean() > 1e-3
    missing = np.isnan(X).any(1)
    np.testing.assert_allclose(shown[missing], hidden[missing], atol=1e-6)  # nothing was there to hide


def test_the_future_moves_nothing(fitted):
    model, X = fitted
    later = X.copy()
    later[:, :, 200:] = np.random.default_rng(1).normal(size=(2, 2, 100))
    before, after = model.encode_causal(X, context=70), model.encode_causal(later, context=70)
    np.testing.assert_array_equal(before[:, :200], after[:, :200])
    assert np.abs(before[:, 200:] - after[:, 200:]).max() > 1e-3


def test_what_is_older_than_the_context_moves_nothing(fitted):
    model, X = fitted
    other = X.copy()
    other[:, :, :100] = 7.0
    before, after = model.encode_causal(X, context=70), model.encode_causal(other, context=70)
    np.testing.assert_allclose(before[:, 170:], after[:, 170:], atol=1e-6)
    assert np.abs(before[:, 110:169] - after[:, 110:169]).max() > 1e-3


def test_online_gives_what_the_batch_gives_point_by_point_and_a_few_at_a_time(fitted):
    model, X = fitted
    live = model.online(context=70)
    one_by_one = np.stack([live.update(point) for point in X[0, :, :120].T])
    a_few = np.concatenate([live.update(points) for points in np.array_split(X[0, :, 120:].T, 7)])
    online = np.concatenate([one_by_one, a_few])
    np.testing.assert_allclose(online, model.encode_causal(X[:1], context=70)[0], atol=1e-5)


def test_online_pair_and_a_fresh_start_from_the_last_points(fitted):
    model, X = fitted
    live = model.online(context=70)
    live.update(X[1, :, 200:270].T)
    shown, hidden = live.update_pair(X[1, :, 270:].T)
    want = model.encode_causal_pair(X[1:], context=70)
    np.testing.assert_allclose(shown, want[0][0, 270:], atol=1e-5)
    np.testing.assert_allclose(hidden, want[1][0, 270:], atol=1e-5)


def test_online_computes_a_bounded_number_of_points_together(fitted, monkeypatch):
    model, x = fitted
    sizes, push = [], WindowEncoder.push
    monkeypatch.setattr(online, "POINTS_AT_ONCE", 16)
    monkeypatch.setattr(
        WindowEncoder, "push", lambda self, new, *rest: sizes.append(new.shape[1]) or push(self, new, *rest)
    )
    shown, hidden = model.online(context=70).update_pair(x[0].T)
    assert max(sizes) == 16 and sum(sizes) == x.shape[-1]
    for found, wanted in zip((shown, hidden), model.encode_causal_pair(x, context=70), strict=True):
        np.testing.assert_allclose(found, wanted[0], atol=1e-5)


def test_online_univariate_takes_numbers():
    X = np.random.default_rng(0).normal(size=(1, 1, 30))
    model = TS2Vec(n_components=4, depth=3, max_steps=0, random_state=0).fit(X)
    live = model.online(context=10)
    Z = np.stack([live.update(value) for value in X[0, 0]])
    np.testing.assert_allclose(Z, model.encode_causal(X, context=10)[0], atol=1e-5)


@pytest.mark.parametrize(
    "points, complaint",
    [(np.zeros(3), "wanted"), (np.zeros((4, 3)), "wanted"), (np.array([np.inf, 0.0]), "infinite")],
)
def test_online_refuses_what_it_cannot_take(fitted, points, complaint):
    with pytest.raises(ValueError, match=complaint):
        fitted[0].online().update(points)


@pytest.mark.parametrize("backbone", ["lstm", "transformer"])
def test_online_works_with_every_backbone(backbone):
    X = np.random.default_rng(0).normal(size=(1, 2, 30))
    X[0, 1, 7] = np.nan
    model = TS2Vec(n_components=4, backbone=backbone, max_steps=0, random_state=0).fit(X)
    live = model.online(context=6)
    one_by_one = np.stack([live.update(point) for point in X[0].T])
    np.testing.assert_allclose(one_by_one, model.encode_causal(X, context=6)[0], atol=1e-5)
    shown, hidden = model.online(context=6).update_pair(X[0].T)
    expected = model.encode_causal_pair(X, context=6)
    np.testing.assert_allclose([shown, hidden], np.concatenate(expected), atol=1e-5)


def test_online_takes_no_point_and_points_in_reverse(fitted):
    model, x = fitted
    assert model.online().update(np.empty((0, x.shape[1]))).shape == (0, 9)
    backwards = x[0].T[::-1]
    np.testing.assert_array_equal(model.online().update(backwards), model.online().update(backwards.copy()))
