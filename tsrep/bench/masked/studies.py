"""The protocol: each study is a question, the configurations that answer it, the sets and the seeds.

A configuration is measured once, whatever number of studies it stands in. Settings are keywords of the estimator; what
is not said is the estimator's default. Everything that can be changed about the protocol is in this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tsrep.bench.masked.task import SIX, SIXTEEN, UCR24, UEA4

MASKED, TS2VEC, RAW, HYDRA = "masked", "ts2vec", "raw", "hydra"
KINDS = (MASKED, TS2VEC, RAW, HYDRA)


@dataclass(frozen=True)
class Configuration:
    """What is compared.

    Attributes
    ----------
    name : stands in the cells and in --methods.
    label : how tables and figures call it.
    kind : "masked", `tsrep.MaskedSeriesEncoder`; "ts2vec", `tsrep.TS2Vec`; "raw", the values of the series; "hydra",
        random kernels.
    settings : keywords of the encoder.
    axis : what the configuration varies, for the figures, for example {"ratio": 0.5}.
    """

    name: str
    label: str
    kind: str = MASKED
    settings: Mapping[str, Any] = field(default_factory=dict)
    axis: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """A question and how it is answered.

    Attributes
    ----------
    finetune : also fine-tune the encoder on the training labels.
    by_layer : also probe every layer.
    bases : configurations of the study that the others are compared with, set by set.
    """

    name: str
    question: str
    configurations: tuple[Configuration, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    finetune: bool = False
    by_layer: bool = False
    bases: tuple[str, ...] = ()


def _masked(name: str, label: str, settings: Mapping[str, Any], **axis: Any) -> Configuration:
    return Configuration(name, label, MASKED, settings, axis)


ALONE = {
    "contrast_weight": 0.0,
    "loss": "squared",
}  # the default recipe adds contrast; one error for all designs
TRANSFORMER = ALONE | {"encoder": "transformer", "max_steps": 300, "batch_size": 16}
SMALL = TRANSFORMER | {"n_components": 64, "depth": 3}  # for the studies that only compare masked models
MAE = SMALL | {"design": "mae", "target": "values", "mask_ratio": 0.75}
SIMMIM = SMALL | {"design": "simmim", "target": "values", "mask_ratio": 0.6}
ON_TS2VEC = ALONE | {"design": "simmim", "encoder": "ts2vec", "mask_ratio": (0.3, 0.8), "max_steps": 200}
SMALL_NETWORK = {
    "n_components": 64,
    "hidden_channels": 32,
    "depth": 6,
}  # TS2Vec's in small: a quarter of the time

PLAIN_MAE = _masked(
    "mae",
    "MAE (75% hidden, decoder of 2 blocks, 64 wide, loss on the hidden)",
    MAE,
    ratio=0.75,
    depth=2,
    width=64,
    loss="hidden",
)
PLAIN_SIMMIM = _masked(
    "simmim",
    "SimMIM (random, 60% hidden, linear head, loss on the hidden)",
    SIMMIM,
    mask="random",
    ratio=0.6,
    span=1,
    head="linear",
    loss="hidden",
)

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

RATIO = Study(
    "ratio",
    "How much should be hidden?",
    (
        *(
            _masked(
                f"mae-ratio-{ratio}", f"MAE, {ratio:.0%} hidden", MAE | {"mask_ratio": ratio}, ratio=ratio
            )
            for ratio in RATIOS
        ),
        PLAIN_MAE,
        _masked(
            "mae-ratio-0.3-0.8",
            "MAE, 30% to 80% hidden",
            MAE | {"mask_ratio": (0.3, 0.8)},
            ratio=(0.3, 0.8),
        ),
    ),
    SIX,
    (0, 1),
    finetune=True,
    by_layer=True,
)

SPANS: tuple[tuple[str, int | None], ...] = (
    ("random", 2),
    ("random", 4),
    ("block", 2),
    ("block", 4),
    ("block", None),
    ("span", None),
    ("geometric", None),
    ("future", None),
)
"""Kinds of masks and the lengths of their runs, in patches; None: the mask's own default."""

MASK = Study(
    "mask",
    "Which steps should be hidden?",
    (
        _masked(
            "simmim-random-0.3", "random, 30% hidden", SIMMIM | {"mask_ratio": 0.3}, mask="random", ratio=0.3
        ),
        PLAIN_SIMMIM,
        *(
            _masked(
                f"simmim-{kind}-{ratio}" + (f"-span{span}" if span else ""),
                f"{kind}, {ratio:.0%} hidden" + (f", runs of {span}" if span else ""),
                SIMMIM | {"mask": kind, "mask_ratio": ratio} | ({"mask_span": span} if span else {}),
                mask=kind,
                ratio=ratio,
                span=span,
            )
            for kind, span in SPANS
            for ratio in (0.3, 0.6)
        ),
    ),
    SIX,
    by_layer=True,
)

DECODER = Study(
    "decoder",
    "How large should the decoder be?",
    (
        PLAIN_MAE,
        *(
            _masked(
                f"mae-depth-{depth}",
                f"MAE, decoder of {depth} block{'s' if depth > 1 else ''}",
                MAE | {"decoder_depth": depth},
                depth=depth,
            )
            for depth in (1, 4, 8)
        ),
        *(
            _masked(
                f"mae-width-{width}",
                f"MAE, decoder {width} wide",
                MAE | {"decoder_width": width},
                width=width,
            )
            for width in (32, 128)
        ),
        _masked("mae-cross", "MAE, cross-attention", MAE | {"decoder_attention": "cross"}, attention="cross"),
        PLAIN_SIMMIM,
        *(
            _masked(f"simmim-head-{head}", f"SimMIM, {head} head", SIMMIM | {"head": head}, head=head)
            for head in ("mlp", "deep")
        ),
    ),
    SIX,
    by_layer=True,
)

LOSS = Study(
    "loss",
    "Should the loss be taken over the hidden values or over all?",
    (
        PLAIN_MAE,
        _masked("mae-loss-all", "MAE, loss on all", MAE | {"loss_on": "all"}, loss="all"),
        PLAIN_SIMMIM,
        _masked("simmim-loss-all", "SimMIM, loss on all", SIMMIM | {"loss_on": "all"}, loss="all"),
    ),
    SIX,
    (0, 1),
    by_layer=True,
)

TARGETS = (
    "values",
    "patch_normalised",
    "differences",
    "slope_histogram",
    "spectrum",
    "wavelet",
    "statistics",
    "autocorrelation",
    "sax",
    "segment",
    "catch22",
    "random_kernels",
    "teacher",
)
PAIRED = ("random_kernels", "slope_histogram", "spectrum")


RAW_CONFIGURATION = Configuration("raw", "raw values", RAW)
HYDRA_CONFIGURATION = Configuration("hydra", "Hydra (random kernels)", HYDRA)
REFERENCES = (RAW_CONFIGURATION.name, HYDRA_CONFIGURATION.name)
"""Configurations that stand beside the others of a study where they were measured on the same sets, as its bases do."""

SMALL_BASES = (
    Configuration("small-untrained", "the same network, untrained", TS2VEC, SMALL_NETWORK | {"max_steps": 0}),
    Configuration(
        "small-ts2vec", "the same network, TS2Vec's contrast", TS2VEC, SMALL_NETWORK | {"max_steps": 200}
    ),
)

TARGET = Study(
    "targets",
    "What should be predicted?",
    (
        *SMALL_BASES,
        *(
            _masked(
                f"target-{'+'.join(names)}",
                " and ".join(name.replace("_", " ") for name in names),
                ON_TS2VEC | SMALL_NETWORK | {"target": list(names)},
                target="+".join(names),
            )
            for names in (*((name,) for name in TARGETS), *((name, "values") for name in PAIRED))
        ),
    ),
    (*SIXTEEN, *UEA4),
    (0, 1, 2),
    bases=tuple(base.name for base in SMALL_BASES),
)

ENCODERS = Study(
    "encoders",
    "Is it worth training, and worth masking?",
    (
        RAW_CONFIGURATION,
        HYDRA_CONFIGURATION,
        Configuration("untrained", "TS2Vec's network, untrained", TS2VEC, {"max_steps": 0}),
        Configuration("ts2vec", "TS2Vec", TS2VEC),
        *(
            _masked(
                name,
                f"masked: random kernels, {steps} steps",
                ON_TS2VEC | {"target": "random_kernels", "max_steps": steps},
            )
            for name, steps in (("kernels", 200), ("kernels-1000", 1000))
        ),
        _masked(
            "joint",
            "masked: random kernels and values, and TS2Vec's contrast, 200 steps",
            ON_TS2VEC | {"target": ["random_kernels", "values"], "contrast_weight": 1.0},
        ),
        _masked("transformer-untrained", "patch Transformer, untrained", TRANSFORMER | {"max_steps": 0}),
        _masked(
            "mae-128",
            "MAE, patch Transformer",
            TRANSFORMER | {"design": "mae", "target": "values", "mask_ratio": 0.75},
        ),
        _masked(
            "autoencoder",
            "autoencoder per patch, nothing hidden",
            TRANSFORMER | {"design": "autoencoder", "target": "values"},
        ),
        _masked(
            "ssgan",
            "masked: values, SSGAN's generator",
            ALONE | {"encoder": "ssgan", "target": "values", "mask_ratio": 0.6, "max_steps": 100},
        ),
    ),
    (*UCR24, *UEA4),
    (0, 1, 2),
    bases=("untrained", "ts2vec"),
)

STUDIES: dict[str, Study] = {study.name: study for study in (RATIO, MASK, DECODER, LOSS, TARGET, ENCODERS)}


def collect(studies: Iterable[Study]) -> dict[str, Configuration]:
    """Every configuration by its name. Raises ValueError where one name means two things."""
    found: dict[str, Configuration] = {}
    for study in studies:
        for configuration in study.configurations:
            if found.setdefault(configuration.name, configuration) != configuration:
                raise ValueError(
                    f"{configuration.name!r} has two meanings; studies.py wants one for each name"
                )
    return found


CONFIGURATIONS = collect(STUDIES.values())


def studies_with(name: str) -> list[Study]:
    """The studies that a configuration stands in."""
    return [study for study in STUDIES.values() if any(each.name == name for each in study.configurations)]
