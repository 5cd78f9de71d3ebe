"""Encoders in the learners of tsai, and architectures of tsai in the encoders of this package.

`Backbone` makes a fitted encoder an architecture for `ts_learner` and `TSClassifier`. `as_encoder` makes an
architecture of tsai a backbone for `TS2Vec` and `MaskedSeriesEncoder`. Panels are (n, c, t) in both libraries: `fit`
takes what `get_UCR_data` gives, and the series and batches of `TSDataLoaders`.

Shapes: B instances, T steps, C channels, H channels of the latent, F features of a backbone, D components.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

TRIAL_STEPS = 32


class Backbone:
    """A fitted encoder as an architecture of tsai: `ts_learner(dls, Backbone(encoder))`.

    The model that tsai builds has `backbone`, the encoder's network, which gives one vector per step, and `head`, on
    the mean and the maximum over time. It trains with the callback `MVP` too.

    Parameters
    ----------
    encoder : a fitted encoder of this package. Each model trains a copy of its network.
    freeze : True trains the head only.
    fc_dropout : dropout before the head's linear map.

    Raises
    ------
    TypeError
        `encoder` is none, for example because tsai was given the class itself.
    NotFittedError
        It is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import TS2Vec
    >>> from tsrep.interop.tsai import Backbone
    >>> X = np.random.default_rng(0).normal(size=(6, 2, 30)).astype("float32")
    >>> arch = Backbone(TS2Vec(n_components=8, depth=2, max_steps=1, random_state=0).fit(X))
    >>> model = arch(c_in=2, c_out=3)
    >>> model(torch.from_numpy(X)).shape, model.backbone(torch.from_numpy(X)).shape
    (torch.Size([6, 3]), torch.Size([6, 8, 30]))
    """

    __name__ = (
        "TSRepTST"  # tsai tells the length of the series only to names with certain parts, such as "TST"
    )

    def __init__(self, encoder: Any, freeze: bool = False, fc_dropout: float = 0.0):
        self.encoder = encoder.estimator if isinstance(encoder, FrozenEstimator) else encoder
        if not hasattr(self.encoder, "encode"):
            raise TypeError(
                f"encoder is a {type(encoder).__name__}; wanted a fitted encoder of this package, as in "
                "arch=Backbone(encoder)"
            )
        check_is_fitted(self.encoder, "encoder_")
        self.freeze = freeze
        self.fc_dropout = fc_dropout

    def __call__(
        self,
        c_in: int,
        c_out: int,
        seq_len: int | None = None,
        custom_head: Callable[..., nn.Module] | None = None,
    ) -> EncoderModel:
        """A model from panels (B, c_in, T) to (B, c_out), or to what `custom_head(head_nf, c_out, seq_len)` gives.

        Raises
        ------
        ValueError
            The encoder was fitted with another number of channels.
        """
        if c_in != self.encoder.n_channels_:
            raise ValueError(f"X has {c_in} channels, the encoder was fitted with {self.encoder.n_channels_}")
        return EncoderModel(
            StepVectors(copy.deepcopy(self.encoder.encoder_), self.freeze),
            c_in,
            c_out,
            seq_len,
            _concat_pool_head(self.fc_dropout) if custom_head is None else custom_head,
        )


class EncoderModel(nn.Module):
    """(B, c_in, T) -> (B, c_out), with the attributes that tsai asks of a model."""

    def __init__(
        self,
        backbone: StepVectors,
        c_in: int,
        c_out: int,
        seq_len: int | None,
        make_head: Callable[..., nn.Module],
    ):
        super().__init__()
        self.c_out, self.seq_len = c_out, seq_len
        with torch.no_grad():
            self.head_nf = backbone(torch.zeros(1, c_in, 1)).shape[1]
        self.backbone = backbone
        self.head = make_head(self.head_nf, c_out, seq_len)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))


class StepVectors(nn.Module):
    """(B, C, T) -> (B, D, T), one vector per step of a fitted encoder's network.

    Steps before the first and after the last observed one get the mean of the others, which moves neither the mean nor
    the maximum over time. A frozen network stays in inference mode.
    """

    def __init__(self, encoder: nn.Module, freeze: bool):
        super().__init__()
        self.encoder = encoder.requires_grad_(not freeze)
        self.freeze = freeze

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.freeze:
            self.encoder.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        steps = x.transpose(1, 2)
        within = _inside(steps)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            if bool(within.all()):
                return self.encoder(steps).transpose(1, 2)
            z = self.encoder(steps, None, within).transpose(1, 2)
            outside = ~within.unsqueeze(1)
            count = within.sum(1).clamp(min=1).view(-1, 1, 1)
            mean = z.masked_fill(outside, 0.0).sum(2, keepdim=True) / count
            return torch.where(outside, mean, z)


def as_encoder(
    arch: Any,
    hidden_channels: int = 64,
    n_components: int = 320,
    seq_len: int | None = None,
    random_state: int | None = None,
    **parameters: Any,
) -> TSAIBackbone:
    """An architecture of tsai as a backbone, for `TS2Vec(backbone=...)` and `MaskedSeriesEncoder(encoder=...)`.

    Parameters
    ----------
    arch : an architecture with a `backbone` that keeps the length of a series, (B, H, T) -> (B, F, T): its class or
        its name ("InceptionTimePlus", "ResNetPlus", "LSTMPlus", "TSTPlus", ...), a model of it, whose backbone is
        copied with its weights, or a module that is such a backbone.
    hidden_channels, n_components : H and D, the parameters of these names of the encoder. A linear map leads from F to
        D where they differ.
    seq_len : length of the longest series, for architectures of one length (TSTPlus, TSiTPlus, ...): shorter series
        are padded with zeros. Others take any length.
    random_state : seed of the weights.
    parameters : further ones of the architecture.

    Returns
    -------
    A `torch.nn.Module` that meets `tsrep.encoding.backbone.Backbone`. Dropout within the architecture is switched off,
    since it would draw from torch's global generator.

    Raises
    ------
    ValueError
        The architecture has no `backbone`, or it does not keep the length, or it needs `seq_len`.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import TS2Vec
    >>> from tsrep.interop.tsai import as_encoder
    >>> X = np.random.default_rng(0).normal(size=(6, 2, 30))
    >>> backbone = as_encoder("FCNPlus", hidden_channels=8, n_components=16, layers=[8, 16, 8])
    >>> encoder = TS2Vec(n_components=16, hidden_channels=8, backbone=backbone, max_steps=1, random_state=0)
    >>> encoder.fit_transform(X).shape
    (6, 16)
    """
    length = TRIAL_STEPS if seq_len is None else seq_len
    with _seeded(random_state):
        body, name = _body(arch, hidden_channels, length, parameters)
    for module in body.modules():
        if isinstance(module, nn.Dropout | nn.Dropout1d | nn.Dropout2d):
            module.p = 0.0
    width = _width(body, hidden_channels, length)
    if width is None:
        raise ValueError(
            f"arch is {name}; wanted one whose backbone keeps the length, (B, H, T) -> (B, F, T)"
        )
    fixed = _width(body, hidden_channels, length // 2 + 1) is None
    if fixed and seq_len is None:
        raise ValueError(f"seq_len is None; wanted the length of the longest series, which {name} needs")
    with _seeded(random_state):
        return TSAIBackbone(body, hidden_channels, width, n_components, seq_len if fixed else None)


class TSAIBackbone(nn.Module):
    """(B, T, H) -> (B, T, D) by a module (B, H, T) -> (B, F, T) and a linear map.

    Steps outside an instance are cut off before the module, so padding moves no representation.

    Parameters
    ----------
    body : (B, H, T) -> (B, F, T).
    hidden_channels, width, n_components : H, F and D.
    length : T of a body of one length, to which shorter series are padded with zeros; None: any length.
    """

    reach = None

    def __init__(
        self, body: nn.Module, hidden_channels: int, width: int, n_components: int, length: int | None
    ):
        super().__init__()
        self.body = body
        self.out = nn.Identity() if width == n_components else nn.Linear(width, n_components)
        self.hidden_channels = hidden_channels
        self.n_components = n_components
        self.length = length

    def forward(self, latent: Tensor, inside: Tensor | None, steps: slice | Tensor) -> Tensor:
        """See `tsrep.encoding.backbone.Backbone`."""
        if latent.shape[-1] != self.hidden_channels:
            given = latent.shape[-1]
            raise ValueError(f"hidden_channels is {given}; wanted {self.hidden_channels}, as in as_encoder")
        if inside is None:
            return self._encode(latent)[:, steps]
        z = latent.new_zeros(*latent.shape[:2], self.n_components)
        first = inside.int().argmax(1)
        runs = torch.stack([first, first + inside.sum(1)], dim=1)
        for start, stop in runs.unique(dim=0).tolist():
            rows = (runs == runs.new_tensor([start, stop])).all(1)
            if start < stop:
                z[rows, start:stop] = self._encode(latent[rows, start:stop]).to(z.dtype)
        return z[:, steps]

    def _encode(self, latent: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, D), all steps inside."""
        steps = latent.shape[1]
        length = self._padded_length(len(latent), steps)
        padded = F.pad(latent, (0, 0, 0, length - steps))
        return self.out(self.body(padded.mT)[..., :steps].mT)

    def _padded_length(self, rows: int, steps: int) -> int:
        if self.length is not None:
            if steps > self.length:
                raise ValueError(f"X has series of {steps} steps; wanted at most {self.length}, the seq_len")
            return self.length
        return 2 if self.training and rows * steps == 1 else steps  # batch normalisation needs two values


@contextmanager
def _seeded(random_state: int | None) -> Iterator[None]:
    """Weights drawn inside are those of the seed, and torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence(random_state).generate_state(1)[0]))
        yield


def _body(arch: Any, channels: int, length: int, parameters: dict[str, Any]) -> tuple[nn.Module, str]:
    """The backbone of an architecture, built or copied, and the name of the architecture."""
    if isinstance(arch, nn.Module):
        return copy.deepcopy(getattr(arch, "backbone", arch)), type(arch).__name__
    import tsai.basics  # noqa: F401  before any other module of tsai
    from tsai.models.utils import build_ts_model

    if isinstance(arch, str):
        arch = _architecture(arch)
    model = build_ts_model(arch, channels, 2, seq_len=length, device="cpu", **parameters)
    if not hasattr(model, "backbone"):
        raise ValueError(
            f"arch is {arch.__name__}; wanted one with a backbone, as those named '...Plus' have"
        )
    return model.backbone, arch.__name__


def _architecture(name: str) -> Any:
    """The architecture of tsai with this name."""
    from tsai.learner import get_arch

    try:
        return get_arch(name)
    except Exception as error:
        raise ValueError(f"arch is {name!r}; wanted the name of an architecture of tsai") from error


@torch.no_grad()
def _width(body: nn.Module, channels: int, length: int) -> int | None:
    """F where `body` gives (B, F, T) for series of `length` steps; None where it does not."""
    training = body.training
    try:
        z = body.eval()(torch.zeros(2, channels, length))
    except (RuntimeError, ValueError, IndexError):
        return None
    finally:
        body.train(training)
    return z.shape[1] if z.ndim == 3 and z.shape[2] == length else None


def _concat_pool_head(fc_dropout: float) -> Callable[..., nn.Module]:
    """tsai's head on the mean and the maximum over time."""
    import tsai.basics  # noqa: F401  before any other module of tsai
    from tsai.models.layers import create_pool_head

    return partial(create_pool_head, concat_pool=True, bn=True, fc_dropout=fc_dropout)


def _inside(x: Tensor) -> Tensor:
    """(B, T), True from the first to the last step of (B, T, C) at which a channel is observed."""
    observed = ~x.isnan().all(-1)
    return (observed.cumsum(1) > 0) & (observed.flip(1).cumsum(1).flip(1) > 0)
