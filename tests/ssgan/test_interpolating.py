"""The interpolating generator: straight lines to begin with, and what it may and may not look at."""

import numpy as np
import pytest
import torch

from tsrep.ssgan.cores import CORES
from tsrep.ssgan.interpolating import InterpolatingGenerator, interpolate, interpolated_without_self

B, T, C = 4, 12, 3


@pytest.fixture
def series():
    random = torch.Generator().manual_seed(0)
    values = torch.randn(B, T, C, generator=random)
    observed = torch.rand(B, T, C, generator=random) < 0.5
    observed[0, :, 1] = False  # a channel without any
    observed[1, :4] = False  # nothing at the start
    times = torch.rand(B, T, generator=random).add(0.1).cumsum(1)
    return values, observed, times


def test_lines_are_numpys_with_held_ends_and_zero_where_nothing_was_seen(series):
    values, observed, times = series
    lines, since, until = interpolate(values, observed, times)
    for b in range(B):
        for c in range(C):
            seen = observed[b, :, c]
            if not seen.any():
                assert (lines[b, :, c] == 0).all()
                continue
            expected = np.interp(times[b], times[b, seen], values[b, seen, c])
            np.testing.assert_allclose(lines[b, :, c], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(lines[observed], values[observed])
    assert (since[observed] == 0).all()
    assert (until[observed] == 0).all()
    torch.testing.assert_close(since[1, 0, 0], times[1, -1] - times[1, 0])


def test_the_line_without_an_entry_does_not_depend_on_it(series):
    values, observed, times = series
    observed[2, :, 0] = False
    observed[2, -1, 0] = True  # an only one, at the end: nothing foretells it
    found = interpolated_without_self(values, observed, times)
    for b, t, c in np.ndindex(B, T, C):
        without = observed.clone()
        without[b, t, c] = False
        torch.testing.assert_close(found[b, t, c], interpolate(values, without, times)[0][b, t, c])
    assert found[2, -1, 0] == 0


def network(core="transformer", trained=True):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        made = InterpolatingGenerator(C, hidden_size=8, depth=2, n_heads=2, core=core)
        if trained:
            for weight in (
                made.draft.out.weight,
                made.revision.out.weight,
                made.scale.weight,
                made.from_others,
            ):
                torch.nn.init.normal_(weight, std=0.5)
    return made


@pytest.mark.parametrize("core", CORES)
def test_untrained_it_is_the_interpolation(series, core):
    estimate, (draft,), scale = network(core, trained=False)(*series)
    torch.testing.assert_close(estimate, interpolate(*series)[0])
    torch.testing.assert_close(draft, estimate)
    assert (scale > 0).all()


def test_the_revision_sees_the_draft_of_other_channels_at_neighbouring_steps(series):
    values, observed, times = series
    observed = observed.clone()
    observed[2, 5, 0] = False
    made = network()
    estimate, (draft,), _ = made(values, observed, times)
    assert not torch.allclose(estimate, draft)
    with torch.no_grad():
        made.draft.out.bias[0] += 1.0  # the draft of channel 0 alone
    moved, (redrafted,), _ = made(values, observed, times)
    assert torch.equal(redrafted[..., 1:], draft[..., 1:])
    assert (moved[2, 5, 1:] != estimate[2, 5, 1:]).all()


def test_a_spike_of_one_channel_is_found_in_another_and_never_in_itself(series):
    values, observed, times = series
    observed = torch.ones_like(observed)
    observed[:, 6, 0] = False
    made = network(trained=False)
    with torch.no_grad():
        made.from_others.fill_(0.5)
    estimate, _, _ = made(values, observed, times)
    surprise = (values - interpolated_without_self(values, observed, times))[:, 6]
    lines = interpolate(values, observed, times)[0][:, 6, 0]
    torch.testing.assert_close(estimate[:, 6, 0], lines + 0.5 * surprise[:, 1:].sum(-1))


@pytest.mark.parametrize("core", CORES)
def test_what_is_not_observed_and_what_is_outside_moves_nothing(series, core):
    values, observed, times = series
    made = network(core)
    estimate, _, scale = made(values, observed, times)
    elsewhere, _, _ = made(torch.where(observed, values, 99.0), observed, times)
    torch.testing.assert_close(elsewhere, estimate)
    padded = [
        torch.nn.functional.pad(x, (0, 0, 0, 5), value=v) for x, v in ((values, 7.0), (observed, False))
    ]
    held = torch.cat([times, times[:, -1:].expand(-1, 5)], 1)  # padding stands at the last time
    inside = torch.arange(T + 5).expand(B, -1) < T
    longer, _, wider = made(*padded, held, inside)
    torch.testing.assert_close(longer[:, :T], estimate, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(wider[:, :T], scale, rtol=1e-4, atol=1e-5)


def test_the_scale_moves_its_head_alone(series):
    values, observed, times = series
    made = network()
    hidden = observed & (torch.rand(B, T, C, generator=torch.Generator().manual_seed(2)) < 0.3)
    imputation = made(values.masked_fill(hidden, 0), observed & ~hidden, times)
    loss = made.reconstruction(imputation, values, observed, hidden)

    def expected(imputation):
        draft, estimate = ((found - values).abs() for found in (imputation.stages[0], imputation.estimate))
        error = (draft + estimate) / 2
        return error[hidden].mean() + 0.1 * error[observed & ~hidden].mean()

    torch.testing.assert_close(loss, expected(imputation))
    loss.backward()
    assert made.scale.weight.grad.abs().sum() > 0
    with_scale = {name: weight.grad.clone() for name, weight in made.named_parameters()}
    made.zero_grad()
    imputation = made(values.masked_fill(hidden, 0), observed & ~hidden, times)
    expected(imputation).backward()
    for name, weight in made.named_parameters():
        if not name.startswith("scale"):
            torch.testing.assert_close(weight.grad, with_scale[name])
