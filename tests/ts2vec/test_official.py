"""Checkpoints of the authors' code that are none, or do not fit: refused before anything is built."""

import numpy as np
import pytest
import torch

from tsrep import TS2Vec, load
from tsrep.train.checkpoint import ModelFileError


def checkpoint(hidden=4, components=3, depth=2):
    state = {"input_fc.weight": torch.randn(hidden, 1), "input_fc.bias": torch.randn(hidden)}
    for block in range(depth + 1):
        width = components if block == depth else hidden
        for number, channels in ((1, hidden), (2, width)):
            name = f"feature_extractor.net.{block}.conv{number}.conv"
            state |= {f"{name}.weight": torch.randn(width, channels, 3), f"{name}.bias": torch.randn(width)}
    last = f"feature_extractor.net.{depth}.projector"
    return state | {
        f"{last}.weight": torch.randn(components, hidden, 1),
        f"{last}.bias": torch.randn(components),
    }


def test_a_checkpoint_is_an_encoder_that_can_be_saved(tmp_path):
    encoder = TS2Vec.from_official(checkpoint(), depth=2, pooling="mean")
    encoder.save(tmp_path / "m")
    X = np.arange(10.0)[None, None]
    np.testing.assert_array_equal(load(tmp_path / "m").transform(X), encoder.transform(X))


@pytest.mark.parametrize(
    "changed",
    [
        {"feature_extractor.net.2.conv1.conv.bias": torch.tensor(1.0)},
        {"input_fc.weight": torch.zeros(1).expand(10**6, 1)},
        {"feature_extractor.net.999999999.conv1.conv.bias": torch.zeros(3)},
        {"feature_extractor.net.10.conv1.conv.bias": torch.zeros(3)},
    ],
)
def test_sizes_that_do_not_fit_are_refused_before_they_are_built(changed):
    with pytest.raises(ModelFileError, match="not a checkpoint of the TS2Vec authors' encoder"):
        TS2Vec.from_official(checkpoint() | changed)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"backbone": "lstm"}, "backbone is 'lstm'; wanted 'dilated_conv', as in the checkpoint"),
        ({"input_projection": False}, "input_projection is False; wanted True"),
        ({"depth": 9}, "depth is 9; wanted 2"),
        ({"pooling": "nonsense"}, "pooling is 'nonsense'; wanted one of"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(parameters, said):
    with pytest.raises(ValueError, match=said):
        TS2Vec.from_official(checkpoint(), **parameters)
