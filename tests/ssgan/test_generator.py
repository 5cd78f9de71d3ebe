"""The recurrent generator: equal to BRITS as recorded and as written out, and blind to what it may not see."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import linear

from tsrep.ssgan.brits import CONSISTENCY, RecurrentGenerator
from tsrep.ssgan.elapsed import elapsed, elapsed_backward
from tsrep.ssgan.generator import filled

CLOSE = {"rtol": 0, "atol": 1e-5}
STEPS, CHANNELS, HIDDEN = 9, 3, 4


@pytest.fixture(scope="module")
def recorded(fixtures_root):
    with np.load(fixtures_root / "brits_reference.npz", allow_pickle=False) as file:
        return {name: torch.from_numpy(value) for name, value in file.items()}


def series(seed=0, instances=2, steps=STEPS):
    """Values, mask and irregular times."""
    randomness = torch.Generator().manual_seed(seed)
    observed = torch.rand(instances, steps, CHANNELS, generator=randomness) < 0.6
    values = torch.randn(instances, steps, CHANNELS, generator=randomness) * observed
    times = torch.rand(instances, steps, generator=randomness).cumsum(1)
    return values, observed, times


def imputer(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return RecurrentGenerator(CHANNELS, HIDDEN)


def naive_elapsed(times, observed):
    """The recursion of BRITS, entry by entry."""
    since = np.zeros(observed.shape)
    for b, t, c in np.ndindex(*observed.shape):
        if t > 0:
            gap = times[b, t] - times[b, t - 1]
            since[b, t, c] = gap if observed[b, t - 1, c] else gap + since[b, t - 1, c]
    return since


@given(
    gaps=st.lists(st.integers(0, 9), min_size=1, max_size=8),
    start=st.integers(-5, 5),
    seed=st.integers(0, 99),
)
def test_elapsed_times_are_those_of_the_recursion(gaps, start, seed):
    observed = torch.rand(2, len(gaps), 2, generator=torch.Generator().manual_seed(seed)) < 0.5
    times = (start + torch.tensor(gaps).cumsum(0)).double().expand(2, -1)
    np.testing.assert_array_equal(elapsed(times, observed), naive_elapsed(times, observed))
    np.testing.assert_array_equal(
        elapsed_backward(times, observed), naive_elapsed(-times.flip(1), observed.flip(1))
    )


@given(before=st.integers(0, 3), after=st.integers(0, 3), seed=st.integers(0, 99))
def test_elapsed_times_do_not_see_padding(before, after, seed):
    _, observed, times = series(seed)
    inside = torch.ones(times.shape, dtype=torch.bool)
    padded = [pad(x, before, after, junk) for x, junk in ((times, 7.0), (observed, False), (inside, False))]
    steps = slice(before, before + STEPS)
    for measure, its_steps in ((elapsed, steps), (elapsed_backward, slice(after, after + STEPS))):
        since = measure(*padded)
        torch.testing.assert_close(since[:, its_steps], measure(times, observed), rtol=0, atol=0)
        assert since.count_nonzero() == since[:, its_steps].count_nonzero()


def pad(x, before, after, junk):
    ends = [x.new_full((x.shape[0], n, *x.shape[2:]), junk) for n in (before, after)]
    return torch.cat([ends[0], x, ends[1]], dim=1)


def test_recorded_elapsed_times(recorded):
    observed = ~recorded["x"].isnan()
    times = torch.arange(float(observed.shape[1])).expand(observed.shape[:2])
    assert torch.equal(elapsed(times, observed), recorded["time_since_observed"])


def test_recorded_imputations(recorded):
    state = {name[6:]: value for name, value in recorded.items() if name.startswith("state/")}
    generator = RecurrentGenerator.from_brits(state)
    observed = ~recorded["x"].isnan()
    values = recorded["x"].nan_to_num(0.0)
    times = torch.arange(float(observed.shape[1])).expand(observed.shape[:2])
    with torch.no_grad():
        imputation = generator(values, observed, times)
    _, _, (forward, backward) = imputation.stages
    np.testing.assert_allclose(forward, recorded["forward_reconstruction"], **CLOSE)
    np.testing.assert_allclose(backward, recorded["backward_reconstruction"], **CLOSE)
    np.testing.assert_allclose(filled(values, observed, imputation.estimate), recorded["imputed"], **CLOSE)


def written_out(generator, direction, x, m, times):
    """BRITS for one direction and one instance, step by step, with torch's own LSTM cell."""
    w = {name: value[direction] for name, value in generator.state_dict().items()}
    order = [0, 1, 3, 2]  # ours: input, forget, output, cell

    def torchs(gates):
        blocks = gates.chunk(4, dim=-1)
        return torch.cat([blocks[i] for i in order], dim=-1)

    cell = torch.nn.LSTMCell(2 * CHANNELS, HIDDEN)
    completed_gates, state_gates = torchs(w["step_gates"]).split([CHANNELS, HIDDEN])
    cell.weight_ih.data = torch.cat([completed_gates, torchs(w["mask_gates.weight"])]).T
    cell.weight_hh.data = state_gates.T
    cell.bias_ih.data, cell.bias_hh.data = torchs(w["mask_gates.bias"])[0], torch.zeros(4 * HIDDEN)
    regression = w["from_features.weight"].clone().fill_diagonal_(0)
    h, c = torch.zeros(1, HIDDEN), torch.zeros(1, HIDDEN)
    since = torch.from_numpy(naive_elapsed(times[None], m[None])[0]).float()
    rows = []
    for x_t, m_t, d_t in zip(x, m.float(), since, strict=True):
        gamma_h = torch.exp(-torch.relu(d_t @ w["decay.rate.weight"] + w["decay.rate.bias"][0]))
        gamma_x = torch.exp(-torch.relu(d_t * w["value_decay"][0, 0] + w["value_decay_bias"][0, 0]))
        h = h * gamma_h
        x_h = linear(h[0], w["from_history.weight"].T, w["from_history.bias"][0])
        x_c = m_t * x_t + (1 - m_t) * x_h
        z_h = x_c @ regression + w["from_features.bias"][0]
        beta = torch.sigmoid(torch.cat([gamma_x, m_t]) @ w["combining.weight"] + w["combining.bias"][0])
        c_h = beta * z_h + (1 - beta) * x_h
        c_c = m_t * x_t + (1 - m_t) * c_h
        h, c = cell(torch.cat([c_c, m_t])[None], (h, c))
        rows.append((x_h, z_h, c_h))
    return [torch.stack(stage) for stage in zip(*rows, strict=True)]


def test_the_loops_gradient_is_that_of_differences():
    values, observed, times = series(steps=4)
    generator = imputer().double()

    def estimates(*_):
        imputation = generator(values.double(), observed, times.double())
        return (imputation.estimate, *imputation.stages)

    assert torch.autograd.gradcheck(estimates, tuple(generator.parameters()))


def test_the_batched_loop_is_the_definition():
    values, observed, times = series()
    generator = imputer()
    with torch.no_grad():
        imputation = generator(values, observed, times)
        for b in range(len(values)):
            forward = written_out(generator, 0, values[b], observed[b], times[b])
            backward = written_out(generator, 1, values[b].flip(0), observed[b].flip(0), -times[b].flip(0))
            for stage, one, other in zip(imputation.stages, forward, backward, strict=True):
                torch.testing.assert_close(stage[:, b], torch.stack([one, other.flip(0)]), rtol=0, atol=1e-6)
    torch.testing.assert_close(imputation.estimate, imputation.stages[-1].mean(0))


def test_what_is_not_observed_cannot_move_an_estimate():
    values, observed, times = series()
    generator = imputer()
    other = torch.where(observed, values, 1e6)
    assert torch.equal(
        generator(values, observed, times).estimate, generator(other, observed, times).estimate
    )


def test_an_estimate_does_not_see_its_own_value():
    values, observed, times = (part[:1] for part in series())
    generator = imputer()
    for t, c in observed[0].nonzero().tolist():
        changed = values.clone()
        changed[0, t, c] += 1.0
        moved = generator(changed, observed, times).estimate - generator(values, observed, times).estimate
        assert moved[0, t, c] == 0
        assert moved.abs().max() > 0


def test_history_is_causal_in_each_direction():
    values, observed, times = series()
    generator = imputer()
    (forward, backward) = generator(values, observed, times).stages[0]
    changed = values.clone()
    changed[:, 5:] += 1.0
    (forward_changed, backward_changed) = generator(changed, observed, times).stages[0]
    assert torch.equal(forward[:, :6], forward_changed[:, :6])
    assert not torch.equal(forward[:, 6:], forward_changed[:, 6:])
    assert not torch.equal(backward[:, :5], backward_changed[:, :5])


def test_times_matter_by_their_gaps_alone():
    values, observed, times = series()
    generator = imputer()
    estimate = generator(values, observed, times).estimate
    torch.testing.assert_close(generator(values, observed, times + 8).estimate, estimate, rtol=0, atol=1e-5)
    assert (generator(values, observed, 5 * times).estimate - estimate).abs().max() > 1e-3


@given(before=st.integers(0, 3), after=st.integers(0, 3))
def test_padding_cannot_move_an_estimate_or_the_loss(before, after):
    values, observed, times = series()
    generator = imputer()
    hidden = observed & (torch.rand(values.shape, generator=torch.Generator().manual_seed(1)) < 0.3)
    shown = observed & ~hidden
    inside = torch.ones(times.shape, dtype=torch.bool)
    imputation = generator(values, shown, times)
    loss = generator.reconstruction(imputation, values, observed, hidden)

    padded = (values, 9.0), (shown, False), (times, 3.0), (inside, False)
    long_values, long_shown, long_times, long_inside = (pad(x, before, after, junk) for x, junk in padded)
    again = generator(long_values, long_shown, long_times, long_inside)
    steps = slice(before, before + STEPS)
    torch.testing.assert_close(again.estimate[:, steps], imputation.estimate, rtol=0, atol=1e-6)
    masks = (pad(mask, before, after, False) for mask in (observed, hidden))
    long_loss = generator.reconstruction(again, long_values, *masks, long_inside)
    long_loss.backward()
    assert all(torch.isfinite(weight.grad).all() for weight in generator.parameters())
    torch.testing.assert_close(long_loss * STEPS / long_values.shape[1], loss)


def test_reconstruction_is_the_sum_of_its_terms():
    values, observed, times = series()
    generator = imputer()
    hidden = torch.zeros_like(observed)
    hidden[0, 2] = observed[0, 2]
    shown = observed & ~hidden
    imputation = generator(values, shown, times)
    loss = generator.reconstruction(imputation, values, observed, hidden)

    terms = 0.0
    for stage in imputation.stages:
        for direction in stage:
            terms += (direction - values)[observed].abs().mean().item()
    forward, backward = imputation.stages[-1]
    apart = ((forward - backward).abs() * ~shown).mean().item()
    assert loss.item() == pytest.approx(STEPS * (terms + CONSISTENCY * apart), rel=1e-5)


def test_reconstruction_of_nothing_observed_is_the_consistency_alone():
    values, observed, times = series()
    nothing = torch.zeros_like(observed)
    generator = imputer()
    imputation = generator(torch.zeros_like(values), nothing, times)
    loss = generator.reconstruction(imputation, torch.zeros_like(values), nothing, nothing)
    forward, backward = imputation.stages[-1]
    assert loss.item() == pytest.approx(
        STEPS * CONSISTENCY * (forward - backward).abs().mean().item(), rel=1e-5
    )


def test_inputs_are_not_written_to():
    parts = series()
    before = [part.clone() for part in parts]
    generator = imputer()
    imputation = generator(*parts)
    generator.reconstruction(imputation, parts[0], parts[1], torch.zeros_like(parts[1])).backward()
    filled(parts[0], parts[1], imputation.estimate)
    assert all(torch.equal(part, kept) for part, kept in zip(parts, before, strict=True))


def test_filled_keeps_every_observed_bit():
    values, observed, times = series()
    completed = filled(values, observed, imputer()(values, observed, times).estimate)
    assert torch.equal(completed[observed], values[observed])
    assert not torch.equal(completed[~observed], values[~observed])
