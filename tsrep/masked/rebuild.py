"""Values in the places of hidden and missing ones, by a masked network that predicts values; and what is hidden.

Series longer than those of the training are cut into windows that overlap by half (`tsrep.nn.overlap`).

Shapes: n series, T steps, C channels, N patches of P steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsrep.encoding.batches import steps_per_batch
from tsrep.masked.masks import Mask
from tsrep.masked.network import last_steps
from tsrep.masked.targets.values import Values
from tsrep.nn.overlap import cover, cut, join
from tsrep.nn.padding import inside
from tsrep.nn.patch import to_patches, to_steps
from tsrep.train.runtime import launch


def value_head(network: Any) -> int:
    """The index of the target that is the values themselves.

    Raises
    ------
    ValueError
        There is none.
    """
    for index, scaled in enumerate(network.targets):
        if isinstance(scaled.target, Values):
            return index
    raise ValueError("the encoder does not predict values, so it cannot rebuild them: add 'values' to target")


@torch.inference_mode()
def rebuilt(
    network: Any, x: Tensor, hidden: Tensor, within: Tensor, window: int, device: str, precision: str
) -> Tensor:
    """Predicted values (n, T, C) of series `x`, NaN where missing, from those that are not `hidden`.

    Parameters
    ----------
    hidden : (n, T, C).
    within : (n, T), the steps inside their series; the result is undefined outside.
    window : steps that are seen at once.
    """
    fabric = launch(device, precision)
    head = value_head(network)
    scaled = network.targets[head]
    network.to(fabric.device)
    lengths = torch.where(within, torch.arange(1, x.shape[1] + 1), 0).amax(1).numpy()
    windows = cover(len(x), x.shape[1], window, lengths)
    parts = []
    at_once = max(1, steps_per_batch(fabric.device) // windows.length)
    pieces = (cut(each, windows).split(at_once) for each in (x, hidden, within))
    for values, unseen, place in zip(*pieces, strict=True):
        values, unseen, place = fabric.to_device((values, unseen, place))
        last = last_steps(place)
        length = network.patch_length
        frame = to_patches(network.normalise(values), length, last)
        as_numbers = to_patches(unseen.to(values.dtype), length, last, fill=0.0)
        places = to_patches(place.unsqueeze(-1).to(values.dtype), length, last, fill=0.0)
        with fabric.autocast():
            predicted = network.predict(frame, as_numbers > 0, places.squeeze(-1) > 0).outputs[head].float()
        estimate = scaled.unscaled(predicted).transpose(2, 3)
        steps = to_steps(estimate, values.shape[1], last)
        parts.append(network.normalise.inverse(steps).cpu())
    return join(torch.cat(parts), windows, tuple(x.shape))


def as_hidden(hidden: Any, x: Tensor) -> Tensor:
    """Booleans (n, C, T), or (n, T) for all channels, as (n, T, C).

    Raises
    ------
    ValueError
        They have another shape, or are no booleans.
    """
    n, steps, channels = x.shape
    given = np.asarray(hidden)
    if given.dtype != bool or given.shape not in ((n, channels, steps), (n, steps)):
        wanted = f"booleans ({n}, {channels}, {steps}) or ({n}, {steps})"
        raise ValueError(f"hidden has shape {given.shape} and dtype {given.dtype}; wanted {wanted}")
    spread = given if given.ndim == 3 else np.broadcast_to(given[:, None], (n, channels, steps))
    return torch.from_numpy(np.ascontiguousarray(spread)).transpose(1, 2)


def draw_hidden(x: Tensor, mask: Mask, patch_length: int, seed: int) -> Tensor:
    """What `mask` hides of series (n, T, C), drawn with `seed`."""
    last = last_steps(inside(x))
    frame = to_patches(x, patch_length, last)
    drawn = mask(~frame.isnan(), torch.Generator().manual_seed(seed))
    return to_steps(drawn.float(), x.shape[1], last) > 0
