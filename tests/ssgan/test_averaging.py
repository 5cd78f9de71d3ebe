"""Several networks as one: the mean of what they say, and an estimator that plays as many games."""

import numpy as np
import pytest
import torch

from tsrep import SSGANImputer, load
from tsrep.ssgan.brits import RecurrentGenerator
from tsrep.ssgan.classifier import ConvolutionalClassifier
from tsrep.ssgan.interpolating import InterpolatingGenerator
from tsrep.ssgan.networks import Networks, mean_of, members_of

B, T, C = 3, 9, 2


@pytest.mark.parametrize("kind", [InterpolatingGenerator, RecurrentGenerator])
def test_the_estimate_is_the_mean_of_the_members(kind):
    random = torch.Generator().manual_seed(0)
    observed = torch.rand(B, T, C, generator=random) < 0.7
    given = torch.randn(B, T, C, generator=random) * observed, observed, torch.arange(float(T)).expand(B, T)
    members = [kind(C, 8) for _ in range(3)]
    alone = [member(*given) for member in members]
    mean = mean_of([Networks(member, None) for member in members])
    together = mean.generator(*given)
    torch.testing.assert_close(together.estimate, sum(found.estimate for found in alone) / 3)
    if kind is RecurrentGenerator:
        assert together.scale is None
    else:
        torch.testing.assert_close(together.scale, sum(found.scale for found in alone) / 3)
    assert [member.generator for member in members_of(mean)] == members
    assert mean_of([Networks(members[0], None)]).generator is members[0]


def test_the_logits_are_the_mean_of_the_members():
    members = [ConvolutionalClassifier(C, 4, 3) for _ in range(2)]
    x = torch.randn(B, T, C)
    mean = mean_of([Networks(InterpolatingGenerator(C, 8), member) for member in members]).classifier
    torch.testing.assert_close(mean(x), (members[0](x) + members[1](x)) / 2)


def test_the_estimator_trains_n_networks_and_keeps_them(tmp_path):
    X = np.random.default_rng(0).normal(size=(6, 2, 12))
    X[:, :, 4] = np.nan
    y = [0, 1, 2] * 2
    one = SSGANImputer(n_networks=1, max_steps=2, random_state=0).fit(X, y)
    three = SSGANImputer(n_networks=3, max_steps=2, random_state=0).fit(X, y)
    assert [record["network"] for record in three.history_] == [0, 0, 1, 1, 2, 2]
    first, second, _ = three.generator_.members
    for alone, member in ((one.generator_, first), (one.classifier_, three.classifier_.members[0])):
        for weight, same in zip(alone.parameters(), member.parameters(), strict=True):
            assert torch.equal(weight, same)
    assert not torch.equal(first.draft.into.weight, second.draft.into.weight)
    three.save(tmp_path / "three")
    again = load(tmp_path / "three")
    np.testing.assert_array_equal(again.transform(X), three.transform(X))
    np.testing.assert_array_equal(again.predict_proba(X), three.predict_proba(X))
    with pytest.raises(ValueError, match="n_networks is 0; wanted an integer of at least 1"):
        SSGANImputer(n_networks=0).fit(X)
