"""Two forecasting networks of the literature, trained here: DLinear, and PatchTST as tsai builds it.

One network per horizon, as in their papers; Adam on the mean squared error of standardised values. The validation
error is measured every `CHECK_EVERY_STEPS`, and the weights with the lowest one are kept. Training stops when
`PATIENCE_CHECKS` in a row were no better, or after `MAX_STEPS`, which is a budget for a CPU: the authors train longer.
PatchTST has its authors' settings for small sets (patches of 16 every 8 steps, three layers of width 16, dropout 0.3).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[Any]

LOOKBACK_STEPS = 336
BATCH_SERIES = 128  # windows times channels
MAX_STEPS = 2_000
CHECK_EVERY_STEPS = 100
PATIENCE_CHECKS = 5
VALIDATION_ORIGINS = 1_000
LEARNING_RATE = 1e-3


class DLinear(nn.Module):
    """Forecast of the trend plus forecast of the rest, each linear in the window (Zeng et al., AAAI 2023, section 4).

    The trend is a moving average of 25 steps, the ends repeated. (B, C, L) -> (B, C, H), all channels alike.
    """

    def __init__(self, lookback: int, horizon: int):
        super().__init__()
        self.trend_weights = nn.Linear(lookback, horizon)
        self.rest_weights = nn.Linear(lookback, horizon)

    def forward(self, x: Tensor) -> Tensor:
        trend = F.avg_pool1d(F.pad(x, (12, 12), mode="replicate"), 25, stride=1)
        return self.trend_weights(trend) + self.rest_weights(x - trend)


def build_network(name: str, channels: int, lookback: int, horizon: int) -> nn.Module:
    """The network "dlinear" or "patchtst": (B, C, lookback) -> (B, C, horizon)."""
    if name == "dlinear":
        return DLinear(lookback, horizon)
    from tsai.models.PatchTST import PatchTST

    sizes = {"n_layers": 3, "n_heads": 4, "d_model": 16, "d_ff": 128, "dropout": 0.3}
    return PatchTST(channels, channels, lookback, pred_dim=horizon, **sizes)


class TrainedNetwork:
    """A trained network with the lengths of its window and its forecast."""

    def __init__(self, network: nn.Module, lookback: int, horizon: int, steps: int):
        self.network = network
        self.lookback = lookback
        self.horizon = horizon
        self.steps = steps

    @torch.inference_mode()
    def predict(self, values: Array, origins: Array) -> Array:
        """(m, horizon, c) after each origin of `values` (t, c), which has no gaps."""
        self.network.eval()
        windows = _windows(values, origins, self.lookback)
        parts = [
            self.network(torch.from_numpy(part)) for part in np.array_split(windows, len(windows) // 256 + 1)
        ]
        return torch.cat(parts).transpose(1, 2).numpy()


def train_network(
    name: str, scaled: Array, train: int, validation: int, lookback: int, horizon: int, seed: int
) -> TrainedNetwork:
    """Train on windows of the rows before `train`, stop by those before `validation`. `scaled` (t, c) may have gaps."""
    import pandas as pd

    values = pd.DataFrame(scaled).ffill().fillna(0.0).to_numpy(dtype=np.float32)
    generator = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(name, scaled.shape[1], lookback, horizon)
        optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
        learned_from = np.arange(lookback - 1, train - horizon)
        checked = np.arange(train - 1, validation - horizon)
        checked = checked[:: max(1, len(checked) // VALIDATION_ORIGINS)]
        size = max(1, BATCH_SERIES // scaled.shape[1])
        best, kept, since = np.inf, network.state_dict(), 0
        step = 0
        for step in range(1, MAX_STEPS + 1):
            origins = generator.choice(learned_from, size)
            network.train()
            predicted = network(torch.from_numpy(_windows(values, origins, lookback)))
            loss = _masked_mse(predicted, _later(scaled, origins, horizon))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step % CHECK_EVERY_STEPS == 0:
                trained = TrainedNetwork(network, lookback, horizon, step)
                forecasts = torch.from_numpy(trained.predict(values, checked)).transpose(1, 2)
                error = float(_masked_mse(forecasts, _later(scaled, checked, horizon)))
                if error < best:
                    best, since = error, 0
                    kept = {key: tensor.clone() for key, tensor in network.state_dict().items()}
                else:
                    since += 1
                    if since == PATIENCE_CHECKS:
                        break
    network.load_state_dict(kept)
    return TrainedNetwork(network, lookback, horizon, step)


def _windows(values: Array, origins: Array, length: int) -> Array:
    """(m, c, length) up to each origin."""
    return np.ascontiguousarray(
        np.lib.stride_tricks.sliding_window_view(values, length, axis=0)[origins - length + 1]
    )


def _later(scaled: Array, origins: Array, horizon: int) -> Tensor:
    """(m, c, horizon) after each origin, NaN where there is a gap."""
    after = np.lib.stride_tricks.sliding_window_view(scaled, horizon, axis=0)[origins + 1]
    return torch.from_numpy(after.astype(np.float32))


def _masked_mse(predicted: Tensor, truth: Tensor) -> Tensor:
    known = ~truth.isnan()
    return ((predicted - truth.nan_to_num()) ** 2 * known).sum() / known.sum().clamp(min=1)
