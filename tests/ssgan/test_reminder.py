"""The reminder matrix: its three values, its rate, and that its elapsed times tell no more than it does."""

import pytest
import torch

from tsrep.ssgan.discriminator import Discriminator
from tsrep.ssgan.reminder import draw_reminder, reminded

OBSERVED = torch.rand(40, 50, 5, generator=torch.Generator().manual_seed(0)) < 0.7


def draw(rate, seed=1):
    return draw_reminder(OBSERVED, rate, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8, 1.0])
def test_entries_are_told_at_the_rate(rate):
    reminder = draw(rate)
    told = reminder != 0.5
    assert torch.equal(reminder[told], OBSERVED.float()[told])
    assert told.float().mean().item() == pytest.approx(rate, abs=0.02)  # 10000 entries: 5 standard deviations
    if 0 < rate < 1:
        assert set(reminder.unique().tolist()) == {0.0, 0.5, 1.0}


def test_observed_and_missing_entries_are_told_alike():
    told = draw(0.8) != 0.5
    assert told[OBSERVED].float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert told[~OBSERVED].float().mean().item() == pytest.approx(0.8, abs=0.03)


def test_each_draw_is_new_and_of_the_given_generator():
    randomness = torch.Generator().manual_seed(0)
    before = torch.random.get_rng_state()
    first, second = (draw_reminder(OBSERVED, 0.8, randomness) for _ in range(2))
    assert torch.equal(first, draw(0.8, seed=0))
    assert not torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_reminded_is_observed_and_told():
    reminder = draw(0.5)
    assert torch.equal(reminded(reminder), OBSERVED & (reminder != 0.5))


@pytest.mark.parametrize("decaying", [False, True])
def test_two_masks_with_one_reminder_are_one_to_the_discriminator(decaying):
    """Where R says 1/2 nothing tells whether the entry was observed, not even the decay."""
    _, steps, channels = OBSERVED.shape
    told = draw(0.5) != 0.5
    other = torch.where(told, OBSERVED, ~OBSERVED)
    reminders = [draw_reminder(mask, 0.5, torch.Generator().manual_seed(1)) for mask in (OBSERVED, other)]
    assert not torch.equal(OBSERVED, other)
    assert torch.equal(*reminders)

    discriminator = Discriminator(channels, 3, decaying)
    completed = torch.randn(OBSERVED.shape, generator=torch.Generator().manual_seed(1))
    times = torch.arange(float(steps)).expand(OBSERVED.shape[:2])
    assert torch.equal(*(discriminator(completed, reminder, times) for reminder in reminders))


def test_times_matter_to_the_temporal_kind_alone():
    reminder = draw(0.8)
    completed = torch.randn(OBSERVED.shape, generator=torch.Generator().manual_seed(1))
    times = torch.arange(float(OBSERVED.shape[1])).expand(OBSERVED.shape[:2])
    for decaying in (False, True):
        discriminator = Discriminator(OBSERVED.shape[-1], 3, decaying)
        slow, fast = (discriminator(completed, reminder, scale * times) for scale in (0.1, 3.0))
        assert torch.equal(slow, fast) is not decaying
