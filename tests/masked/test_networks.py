"""The masked networks: what they see, what is scored, and that padding moves nothing."""

import math

import pytest
import torch

from tsrep import MaskedSeriesEncoder
from tsrep.masked.joint import chance, masked_views
from tsrep.masked.masks import Mask
from tsrep.masked.network import Normalisation, frame_of
from tsrep.masked.objective import MaskedObjective
from tsrep.masked.references import lines_between, positional_mean
from tsrep.masked.targets import build_target
from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.masked.targets.teacher import Teacher, variance_loss
from tsrep.ts2vec.loss import hierarchical_loss

KINDS = {
    "mae": {"design": "mae"},
    "mae, cross-attention": {"design": "mae", "decoder_attention": "cross"},
    "simmim": {"encoder": "transformer"},
    "simmim, mlp": {"encoder": "transformer", "head": "mlp"},
    "simmim, deep": {"encoder": "transformer", "head": "deep"},
    "simmim on convolutions": {"encoder": "ts2vec"},
    "simmim on a generator": {"encoder": "ssgan", "n_components": 32},
}
SMALL = {"n_components": 16, "depth": 2, "hidden_channels": 8, "decoder_width": 16, "patch_length": 5}


def series(n=6, c=2, t=43, seed=0):
    x = torch.randn(n, c, t, generator=torch.Generator().manual_seed(seed)).cumsum(-1)
    return x.numpy()


def network_of(kind, channels=2, **parameters):
    settings = {
        **SMALL,
        "target": ["values", "slope_histogram", "sax"],
        "contrast_weight": 0.0,
        **KINDS[kind],
    }
    estimator = MaskedSeriesEncoder(**{**settings, **parameters}, max_steps=3, random_state=0)
    return estimator.fit(series(c=channels)).encoder_


def frame_for(network, x):
    return frame_of(network.normalise(torch.as_tensor(x).transpose(1, 2)), network.patch_length)


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_values_cannot_move_a_prediction(kind):
    network = network_of(kind)
    frame = frame_for(network, series(seed=1))
    hidden = Mask("geometric", 0.5, 4, shared=False)(~frame.isnan(), torch.Generator().manual_seed(0))
    other = torch.where(hidden, frame + 100, frame)
    one, two = network.predict(frame, hidden), network.predict(other, hidden)
    for a, b in zip(one.outputs, two.outputs, strict=True):
        assert torch.equal(a, b)
    assert torch.equal(one.z, two.z)
    visible = ~hidden & ~frame.isnan()
    moved = network.predict(torch.where(visible, frame + 1, frame), hidden)
    assert not torch.equal(one.outputs[0], moved.outputs[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_value_and_a_missing_one_are_the_same_to_the_network(kind):
    network = network_of(kind)
    frame = frame_for(network, series(seed=1))
    hidden = torch.zeros_like(frame, dtype=torch.bool)
    hidden[:, 3:5] = True
    nothing = torch.zeros_like(hidden)
    missing = network.predict(frame.masked_fill(hidden, torch.nan), nothing)
    for a, b in zip(network.predict(frame, hidden).outputs, missing.outputs, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_at_either_end_moves_no_representation(kind):
    network = network_of(kind)
    x = torch.from_numpy(series(seed=2)).transpose(1, 2)
    alone = network(x)
    before, after = x.new_full((6, 9, 2), torch.nan), x.new_full((6, 4, 2), torch.nan)
    padded = torch.cat([before, x, after], dim=1)
    within = ~padded.isnan().all(-1)
    torch.testing.assert_close(network(padded, None, within)[:, 9:-4], alone, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_moves_no_prediction(kind):
    network = network_of(kind)
    x = torch.from_numpy(series(t=40, seed=2)).transpose(1, 2)
    frame = frame_of(network.normalise(x), 5)
    longer = torch.cat([frame.new_full((6, 3, 5, 2), torch.nan), frame], dim=1)
    hidden = torch.zeros_like(frame, dtype=torch.bool)
    hidden[:, 2:6] = True
    padded = torch.cat([torch.zeros_like(longer[:, :3], dtype=torch.bool), hidden], dim=1)
    one, other = network.predict(frame, hidden).outputs, network.predict(longer, padded).outputs
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(b[:, 3:], a, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_with_a_short_series_gives_what_each_gives_alone(kind):
    network = network_of(kind)
    x = torch.from_numpy(series(seed=3)).transpose(1, 2).clone()
    x[2, :20] = torch.nan
    frame = frame_of(network.normalise(x), 5)
    hidden = Mask("random", 0.5)(~frame.isnan(), torch.Generator().manual_seed(0))
    together = network.predict(frame, hidden).outputs
    for row in range(len(x)):
        alone = network.predict(frame[row : row + 1], hidden[row : row + 1]).outputs
        within = (~frame[row].isnan()).any(1).any(1)
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[row][within], b[0][within], atol=2e-5, rtol=1e-4)


def test_mae_encodes_the_visible_patches_only():
    network = network_of("mae")
    frame = frame_for(network, series(t=40))
    hidden = Mask("random", 0.75)(~frame.isnan(), torch.Generator().manual_seed(0))
    sizes = []
    network.encoder.trunk.blocks[0].register_forward_hook(lambda module, inputs, z: sizes.append(z.shape[1]))
    predicted = network.predict(frame, hidden)
    assert sizes == [2] and predicted.z.shape[1] == 2 and predicted.outputs[0].shape == (6, 8, 2, 5)


def test_an_autoencoder_sees_each_patch_alone():
    estimator = MaskedSeriesEncoder(design="autoencoder", **SMALL, max_steps=2, random_state=0).fit(
        series(t=40)
    )
    x = torch.from_numpy(series(t=40)).transpose(1, 2)
    other = x.clone()
    other[:, :35] = 0
    assert torch.equal(estimator.encoder_(x)[:, 35:], estimator.encoder_(other)[:, 35:])


def test_a_series_longer_than_those_of_the_training_is_encoded_in_windows_from_its_end():
    network = network_of("simmim")  # trained on 9 patches
    x = torch.from_numpy(series(t=100)).transpose(1, 2)
    z = network(x)
    torch.testing.assert_close(z[:, -45:], network(x[:, -45:]))
    torch.testing.assert_close(z[:, -90:-45], network(x[:, -90:-45]))


def test_losses_are_in_units_of_the_best_constant():
    generator = torch.Generator().manual_seed(0)
    frame = frame_of(torch.randn(50, 40, 2, generator=generator) * torch.tensor([1.0, 30.0]) + 5, 5)
    everything = torch.ones_like(frame, dtype=torch.bool)
    for name in ("values", "spectrum", "slope_histogram", "sax", "segment", "random_kernels"):
        for loss in ("squared", "absolute"):
            scaled = ScaledTarget(build_target(name, 2, 5), loss)
            scaled.fit(frame, generator)
            target = scaled(frame)
            constant = scaled._constant(target, ~target.isnan())
            error = scaled.errors(constant, target)[scaled.scored(target, everything, everything)]
            assert float(error.mean()) == pytest.approx(1, abs=1e-3)


def test_numbers_count_where_their_step_or_half_of_their_patch_is_hidden():
    frame = torch.zeros(1, 3, 4, 2)
    frame[0, 2, :3, 1] = torch.nan
    hidden = torch.zeros_like(frame, dtype=torch.bool)
    hidden[0, 0, 1:3, 0] = True  # two of four
    hidden[0, 1, 0] = True  # one of four, in both channels
    hidden[0, 2, 3, 1] = True  # the only one observed
    observed = ~frame.isnan()
    values = ScaledTarget(build_target("values", 2, 4), "squared")
    assert values.scored(values(frame), hidden, observed).transpose(2, 3).equal(hidden)
    sax = ScaledTarget(build_target("statistics", 2, 4), "squared")
    per_patch = sax.scored(torch.zeros(1, 3, 2, 9), hidden, observed)[..., 0]
    assert per_patch[0].tolist() == [[True, False], [False, False], [False, True]]


def test_the_loss_is_over_hidden_values_or_over_all():
    network = network_of("simmim", target="values")
    frame = frame_for(network, series(t=40))
    hidden = torch.zeros_like(frame, dtype=torch.bool)
    hidden[:, :4] = True
    predicted = network.predict(frame, hidden)
    error = (predicted.outputs[0].transpose(2, 3) - network.targets[0](frame).transpose(2, 3)).square()
    chance_error = network.targets[0].chance
    [over_hidden] = MaskedObjective(Mask(), ("values",)).losses(network, frame, hidden, predicted)
    [over_all] = MaskedObjective(Mask(), ("values",), "all").losses(network, frame, hidden, predicted)
    torch.testing.assert_close(over_hidden, error[hidden].mean() / chance_error)
    torch.testing.assert_close(over_all, error.mean() / chance_error)


def test_lines_and_positional_means_by_hand():
    frame = torch.tensor([[torch.nan, 1.0, torch.nan, torch.nan, 4.0, torch.nan]]).view(1, 3, 2, 1)
    lines = lines_between(frame).flatten()
    assert lines[1:5].tolist() == [1, 2, 3, 4] and lines[[0, 5]].isnan().all()
    scaled = ScaledTarget(build_target("values", 1, 2), "squared")
    training = torch.tensor([[1.0, 2.0, 3.0, 4.0], [3.0, torch.nan, 5.0, 6.0]]).view(2, 2, 2, 1)
    assert positional_mean(scaled, training, 2).flatten().tolist() == [2, 2, 4, 5]
    assert positional_mean(scaled, training, 3).flatten().tolist() == [2, 2, 2, 2, 4, 5]
    assert positional_mean(scaled, training, 1).flatten().tolist() == [4, 5]


def test_the_contrast_of_masked_views_is_ts2vecs_loss_over_what_chance_gives():
    network = network_of("simmim")
    frame = frame_for(network, series(t=40))
    generator = torch.Generator().manual_seed(4)
    views, contrast = masked_views(network, frame, Mask("random", 0.5), generator, training=False)
    (first, _, one), (second, _, two) = views
    lengths = one.z.shape[1], two.z.shape[1]
    # the overlap: where both views show the same patches
    starts = [
        (i, j) for i in range(lengths[0]) for j in range(lengths[1]) if torch.equal(first[:, i], second[:, j])
    ]
    left = [i for i, _ in starts]
    right = [j for _, j in starts]
    wanted = hierarchical_loss(one.z[:, left], two.z[:, right], alpha=0.5)
    torch.testing.assert_close(contrast, wanted / chance(6, len(starts)))


def test_chance_is_the_loss_of_equal_encodings():
    z = torch.zeros(5, 7, 3)
    torch.testing.assert_close(float(hierarchical_loss(z, z, alpha=0.5)), chance(5, 7))


def test_a_teacher_follows_the_model_or_stays():
    for momentum in (0.9, 1.0):
        network = network_of("simmim", target="teacher", teacher_momentum=momentum)
        teacher = network.targets[0].target
        assert isinstance(teacher, Teacher) and not list(teacher.parameters())
        weight, copied = network.encoder.embed.weight, teacher.network.encoder.embed.weight
        before = copied.clone()
        network.requires_grad_(True)
        with torch.no_grad():
            weight += 1
        teacher.follow(network)
        torch.testing.assert_close(copied, momentum * before + (1 - momentum) * weight.detach())
        target = network.targets[0](frame_for(network, series()))
        assert target.shape == (6, 9, 1, 16)


def test_the_variance_term_is_0_for_spread_vectors_and_large_for_one_vector():
    generator = torch.Generator().manual_seed(0)
    assert variance_loss(2 * torch.randn(50, 20, 8, generator=generator)) == 0
    assert float(variance_loss(torch.ones(5, 4, 3))) == pytest.approx(1 - math.sqrt(1e-4))
    assert variance_loss(torch.ones(1, 1, 3)) == 0  # one vector has no deviation


@pytest.mark.parametrize("kind", KINDS)
def test_the_variance_term_leaves_padding_out(kind):
    network = network_of(kind)
    x = series(t=43)
    x[:3, :, 30:] = torch.nan

    def vectors(x):
        frame = frame_for(network, x)
        predicted = network.predict(frame, torch.zeros_like(frame, dtype=torch.bool))
        counted = predicted.counted
        return predicted.z.flatten(0, 1) if counted is None else predicted.z[counted]

    apart = torch.cat([vectors(x[:3, :, :30]), vectors(x[3:])])
    found = vectors(x)
    torch.testing.assert_close(found, apart)
    torch.testing.assert_close(variance_loss(found[None]), variance_loss(apart[None]))


def test_a_loss_of_a_constant_series_has_units_of_its_own():
    scaled = ScaledTarget(build_target("values", 1, 4), "squared")
    scaled.fit(torch.zeros(3, 5, 4, 1), torch.Generator().manual_seed(0))
    assert float(scaled.chance) == 1


def test_normalisation_knows_small_values_from_constants():
    x = torch.randn(3, 10, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1e-12, 1e12])
    x[..., 1] = x[0, 0, 1]
    normalise = Normalisation(2)
    normalise.fit(x)
    z = normalise(x)
    assert float(z[..., 0].std(correction=0)) == pytest.approx(1, rel=1e-3) and not z[..., 1].any()


def test_normalisation_is_measured_in_double_precision_and_knows_constants():
    x = torch.full((3, 10, 2), 1e6) + torch.randn(3, 10, 2, generator=torch.Generator().manual_seed(0))
    x[..., 1] = 7.0
    x[0, 3] = torch.nan
    normalise = Normalisation(2)
    normalise.fit(x)
    z = normalise(x)
    assert abs(float(z[..., 0].nanmean())) < 1e-1 and torch.equal(z[1, :, 1], torch.zeros(10))
    torch.testing.assert_close(normalise.inverse(z), x, equal_nan=True)
