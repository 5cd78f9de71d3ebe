"""The network for the constructor's parameters: an encoder, the targets, and what predicts them.

An encoder may also be given: a fitted `TS2Vec` (or another encoder of the package), a fitted `SSGANImputer`, or a torch
module that meets `tsrep.encoding.backbone.Backbone`. A copy of it is trained.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from sklearn.frozen import FrozenEstimator
from torch import nn

from tsrep.base.parameters import out_of_range
from tsrep.encoding.encoder import SeriesEncoder
from tsrep.masked.generator import GeneratorNetwork
from tsrep.masked.mae import MAE, MAEDecoder
from tsrep.masked.network import Normalisation
from tsrep.masked.patch_network import PatchNetwork
from tsrep.masked.patches import PatchTransformer
from tsrep.masked.recipe import Settings
from tsrep.masked.simmim import DeepHead, PatchSimMIM, StepSimMIM, mlp_head
from tsrep.masked.targets import build_target
from tsrep.masked.targets.lost import LostFunction, LostTarget
from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.masked.targets.teacher import Teacher
from tsrep.masked.targets.values import Values
from tsrep.ssgan.interpolating import InterpolatingGenerator
from tsrep.ts2vec.encoder import paper_encoder

DECODER_HEAD_WIDTH = 16  # of an attention head of a decoder


def build_network(
    estimator: Any, settings: Settings, channels: int, patch_length: int, window: int
) -> nn.Module:
    """A masked network with random weights, in inference mode and without gradients.

    `window` is the length, in steps, of the longest series of the training. Where "values" is not a target, a head
    that reads them from the encoder is trained beside it, so that any encoder can rebuild series.
    """
    width = vector_width(settings, channels)
    targets = [
        ScaledTarget(_target(name, estimator, channels, patch_length, width), settings.loss)
        for name in settings.targets
    ]
    encoder = (
        settings.encoder.estimator if isinstance(settings.encoder, FrozenEstimator) else settings.encoder
    )
    of_values = any(isinstance(scaled.target, Values) for scaled in targets)
    if not of_values and not _is_generator(encoder):
        targets.append(ScaledTarget(Values(channels, patch_length), settings.loss, probed=True))
    network: nn.Module
    if isinstance(encoder, str) and encoder == "transformer":
        network = _on_patches(
            estimator, settings, targets, channels, patch_length, -(-window // patch_length)
        )
    elif isinstance(encoder, str) and encoder == "ssgan":
        generator = InterpolatingGenerator(channels, width // 2, settings.depth, estimator.n_heads)
        network = GeneratorNetwork(generator, targets, channels, patch_length)
    elif hasattr(encoder, "generator_"):
        network = GeneratorNetwork(_generator_of(encoder), targets, channels, patch_length)
        network.normalise = _constants(encoder, channels)
    else:
        series = _series_encoder(encoder, estimator, settings, channels)
        network = StepSimMIM(
            series.projection, series.backbone, width, targets, estimator.head, channels, patch_length
        )
        if isinstance(series, StepSimMIM):
            network.normalise = series.normalise
    for scaled in targets:
        if isinstance(scaled.target, Teacher):
            scaled.target.attach(network)
    return network.eval().requires_grad_(False)


def _is_generator(encoder: Any) -> bool:
    """Whether it predicts values by itself, without a head."""
    return hasattr(encoder, "generator_") or (isinstance(encoder, str) and encoder == "ssgan")


def learns_normalisation(settings: Settings) -> bool:
    """Whether the constants of the input's normalisation come from the training series, not with the encoder."""
    return isinstance(settings.encoder, str | nn.Module)


def vector_width(settings: Settings, channels: int) -> int:
    """D of the encoder that the settings describe."""
    encoder = (
        settings.encoder.estimator if isinstance(settings.encoder, FrozenEstimator) else settings.encoder
    )
    if isinstance(encoder, str):
        return settings.n_components
    if hasattr(encoder, "generator_"):
        generator = _generator_of(encoder)
        return generator.draft.core.width + generator.revision.core.width
    if isinstance(encoder, nn.Module):
        return settings.n_components
    network = fitted_encoder(encoder)
    if encoder.n_channels_ != channels:
        raise ValueError(f"X has {channels} channels, the encoder was fitted with {encoder.n_channels_}")
    with torch.no_grad():
        return network(torch.zeros(1, 1, channels)).shape[-1]


def fitted_encoder(encoder: Any) -> SeriesEncoder:
    """The network of a fitted encoder of the package, with one vector per step."""
    network = getattr(encoder, "encoder_", None)
    if isinstance(network, SeriesEncoder):
        return network
    if network is None:
        wanted = "a fitted one (clones of it are not: wrap it in sklearn.frozen.FrozenEstimator)"
    else:
        wanted = "an encoder whose network is a SeriesEncoder, as TS2Vec's is"
    raise out_of_range("encoder", type(encoder).__name__, wanted)


def _generator_of(imputer: Any) -> InterpolatingGenerator:
    generator = imputer.generator_
    if not isinstance(generator, InterpolatingGenerator):
        raise out_of_range(
            "encoder",
            type(imputer).__name__,
            "an imputer with generator='interpolating' and n_networks=1: others show no states",
        )
    return copy.deepcopy(generator)


def _constants(imputer: Any, channels: int) -> Normalisation:
    """The constants of the input's normalisation of an imputer, or of a `MaskedSeriesEncoder` of its generator."""
    masked = getattr(imputer, "encoder_", None)
    if masked is not None:
        if imputer.n_channels_ != channels:
            raise ValueError(f"X has {channels} channels, the encoder was fitted with {imputer.n_channels_}")
        return copy.deepcopy(masked.normalise)
    constants = Normalisation(channels)
    if len(imputer.mean_) != channels:
        raise ValueError(f"X has {channels} channels, the imputer was fitted with {len(imputer.mean_)}")
    constants.centre.copy_(torch.from_numpy(imputer.mean_))
    constants.scale.copy_(torch.from_numpy(imputer.scale_))
    return constants


def _series_encoder(encoder: Any, estimator: Any, settings: Settings, channels: int) -> SeriesEncoder:
    if isinstance(encoder, str):
        return paper_encoder(channels, estimator.hidden_channels, settings.n_components, settings.depth)
    if isinstance(encoder, nn.Module):
        projection = nn.Linear(channels, estimator.hidden_channels)
        return SeriesEncoder(projection, copy.deepcopy(encoder))
    return copy.deepcopy(fitted_encoder(encoder))


def _on_patches(
    estimator: Any,
    settings: Settings,
    targets: list[ScaledTarget],
    channels: int,
    patch_length: int,
    window: int,
) -> PatchNetwork:
    width, heads = settings.n_components, estimator.n_heads
    encoder = PatchTransformer(
        channels,
        patch_length,
        width,
        settings.depth,
        heads,
        estimator.inputs,
        alone=settings.design == "autoencoder",
    )
    decoder_heads = math.gcd(max(1, estimator.decoder_width // DECODER_HEAD_WIDTH), estimator.decoder_width)
    shape = width, estimator.decoder_width, estimator.decoder_depth, decoder_heads
    if settings.design == "mae":
        decoder = MAEDecoder(*shape, estimator.decoder_attention)
        return MAE(encoder, decoder, targets, channels, patch_length, window)
    head: nn.Module | None = None
    head_width = width
    if estimator.head == "mlp":
        head = mlp_head(width)
    elif estimator.head == "deep":
        head, head_width = DeepHead(*shape), estimator.decoder_width
    return PatchSimMIM(encoder, head, head_width, targets, channels, patch_length, window)


def _target(name: Any, estimator: Any, channels: int, patch_length: int, width: int) -> Any:
    if isinstance(name, str) and name == "teacher":
        return Teacher(patch_length, width, estimator.teacher_momentum)
    if isinstance(name, LostFunction):
        return LostTarget(channels, patch_length, name)
    return build_target(name, channels, patch_length)
