"""`SSGANImputer`: its parameters, training and saving; what it computes after that is in `imputing.py`.

The paper is Miao et al., "Generative Semi-supervised Learning for Multivariate Time Series Imputation", AAAI 2021: a
generator imputes, a discriminator tells imputed from observed entries, and a classifier with a few labels drives the
imputed series to carry them. `recipe="paper"` is this method, as far as it could be reconstructed (see `step.py`).

The default is what measures best: a generator that starts from linear interpolation and is trained on observed values
that are hidden from it. No validation set is needed: a share of the observed values is held out and decides when to
stop and which weights to keep. A channel in which the network is not better than linear interpolation is interpolated.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tsrep.base.fitting import atomic
from tsrep.base.panels import RandomState
from tsrep.base.parameters import out_of_range
from tsrep.base.saving import Folder, Tensors
from tsrep.base.training import digest
from tsrep.data.containers import Series
from tsrep.data.stored import as_lazy
from tsrep.ssgan import saved
from tsrep.ssgan.beyond import with_beyond
from tsrep.ssgan.build import Shape, default_width
from tsrep.ssgan.calibration import measure, sample_of
from tsrep.ssgan.errors import LAPLACE, Widths
from tsrep.ssgan.filling import Scaling, standardised_line_widths, windowed
from tsrep.ssgan.imputing import FittedImputer
from tsrep.ssgan.inference import estimate
from tsrep.ssgan.judgement import Judgement, judge, unjudged
from tsrep.ssgan.labels import class_numbers, refuse_one_class, renumbered
from tsrep.ssgan.networks import Networks, borrowed_share, mean_of, members_of, train_all
from tsrep.ssgan.parameters import Settings, resolved
from tsrep.ssgan.training import HeldOut, hold_out
from tsrep.train.batches import take
from tsrep.train.run import Run
from tsrep.train.runtime import launch

Array = NDArray[Any]

SAMPLED_VALUES = 2**24  # of a lazy panel


class SSGANImputer(FittedImputer):
    """Fills gaps in time series, with few labels or none (after Miao et al., AAAI 2021).

    Parameters
    ----------
    recipe : "best" or "paper": values of the parameters below that are None.
    generator : "interpolating" (best) or "recurrent" (paper; BRITS).
    classifier : used if there are labels: "convolutional" (best) or "recurrent" (paper).
    core : network of the interpolating generator: "transformer" or "recurrent".
    start : a generator whose weights the training begins with, `MaskedSeriesEncoder(encoder="ssgan").fit(X).generator_`
        for example; None: random weights.
    hidden_size : width of the networks; None: 64, or 128 for more than 64 channels.
    n_networks : number of networks that are trained one after another and averaged; two or three lower the error by 1
        or 2 %.
    depth, n_heads : number of layers and attention heads of the interpolating generator.
    adversarial_weight, classifier_weight : weights of the discriminator's and the classifier's term in the generator's
        loss: 0 and 0.01 (best), 5 and 1 (paper). 0 leaves the discriminator out; the classifier is trained if there are
        labels.
    discriminator_steps : number of discriminator updates per generator update: 1 (best), 5 (paper).
    reminder, reminder_rate : "temporal", "hint" or None, and the probability that an entry is told (0.8).
    hide_rate : share of the observed values that a training step hides, or the two ends of a range from which each
        step draws it: (0.05, 0.6) (best), 0 (paper). If gaps come in runs, as those of a sensor that fails for a
        while, recipe="best" hides some series where another series has its gaps (see `tsrep.ssgan.hiding`).
    fallback : whether a channel in which the network is not better than linear interpolation is interpolated: True
        (best), False (paper).
    window_length : longer series are cut into windows of this many steps, which overlap by half. The interpolation
        from which generator="interpolating" starts is that of the whole series; what it learns looks no further than
        a window, and generator="recurrent" looks no further at all.
    validation_fraction : share of the observed values held out of training. 0 switches off all that they decide: early
        stopping, the best weights, `fallback` and `spread_`.
    patience : training stops after this many validations in a row (one per 50 steps) without a new lowest error.
    add_indicator : True appends a channel (of a table: a column) of 0 and 1 for each that had gaps in `fit`.
    max_steps, max_epochs : generator steps and passes over the data, whichever ends first; both None: 1,600 and 500
        (best), 50 passes (paper).
    batch_size, lr : series per step; learning rate of AdamW, 6e-3 with warm-up and cosine decay (best), 1e-3 (paper).
    warm_start : True: `fit` continues the last `fit` (or the loaded imputer) for `max_steps` or `max_epochs` more, with
        its means and scales. A decaying learning rate follows the schedule of all steps together.
    checkpoint : folder in which training is saved every `checkpoint_every` steps, see `TS2Vec`. An imputer loaded from
        an unfinished training imputes, but no channel falls back to lines yet.
    device : "auto", "cpu", "cuda", "cuda:1", "mps".
    precision : "auto" (32 bit), "32", "bf16" or "16".
    fabric : several processes that train together, see `TS2Vec` and `tsrep.ssgan.step`.
    random_state : None, an integer, or a numpy generator. An integer makes a fit on a CPU reproducible to the bit, for
        the same number of threads.
    verbose : 1 shows a progress bar.

    Attributes
    ----------
    generator_, classifier_ : torch modules; the latter is None without labels.
    classes_ : the labels, sorted; with labels only.
    fallback_ : (c,) bool, True for a channel that is linearly interpolated. A channel that was never observed in `fit`
        is one of them: it is filled with 0, or interpolated where it is observed later.
    mean_, scale_ : (c,), mean and standard deviation of the observed values in `fit`.
    spread_ : (c,), factor on the learned scale of errors, with which the middle 90 % of Laplace distributions hold
        90 % of the held-out values.
    held_out_error_, lines_error_ : mean absolute errors on the held-out values, in standard deviations, of `transform`
        and of linear interpolation; NaN if nothing was held out.
    history_ : list of {"network", "step", "epoch", "seconds", "loss", ..., "validation_loss" where computed}.
    n_steps_ : total number of generator steps.
    rescues_ : number of times that training diverged and continued from its best weights with a tenth of the learning
        rate.
    n_channels_, n_features_in_, seed_ : channels; what scikit-learn counts; the integer that seeded the fit.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrep import SSGANImputer
    >>> X = np.sin(np.linspace(0, 20, 200)).reshape(4, 1, 50)
    >>> X[0, 0, 10:14] = np.nan
    >>> filled = SSGANImputer(max_steps=2, random_state=0).fit_transform(X)
    >>> bool(np.isnan(filled).any()), bool((filled == X)[~np.isnan(X)].all())
    (False, True)
    """

    lr: float | None  # type: ignore[assignment]  # None: the recipe's

    _SHAPES = ("core", "depth", "n_heads", "n_networks", "reminder")
    _NOT_TRAINING = ("add_indicator", "fallback", "start")

    def __init__(
        self,
        recipe: str = "best",
        generator: str | None = None,
        classifier: str | None = None,
        core: str = "transformer",
        start: nn.Module | None = None,
        hidden_size: int | None = None,
        n_networks: int = 1,
        depth: int = 2,
        n_heads: int = 4,
        adversarial_weight: float | None = None,
        classifier_weight: float | None = None,
        discriminator_steps: int | None = None,
        reminder: str | None = "temporal",
        reminder_rate: float | None = None,
        hide_rate: float | tuple[float, float] | None = None,
        fallback: bool | None = None,
        window_length: int = 128,
        validation_fraction: float = 0.05,
        patience: int | None = 12,
        add_indicator: bool = False,
        max_steps: int | None = None,
        max_epochs: int | None = None,
        batch_size: int = 32,
        lr: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 100,
        device: str = "auto",
        precision: str = "auto",
        fabric: Mapping[str, Any] | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.recipe = recipe
        self.generator = generator
        self.classifier = classifier
        self.core = core
        self.start = start
        self.hidden_size = hidden_size
        self.n_networks = n_networks
        self.depth = depth
        self.n_heads = n_heads
        self.adversarial_weight = adversarial_weight
        self.classifier_weight = classifier_weight
        self.discriminator_steps = discriminator_steps
        self.reminder = reminder
        self.reminder_rate = reminder_rate
        self.hide_rate = hide_rate
        self.fallback = fallback
        self.window_length = window_length
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.add_indicator = add_indicator
        self.max_steps = max_steps
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.device = device
        self.precision = precision
        self.fabric = fabric
        self.random_state = random_state
        self.verbose = verbose

    # Training

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns from series with gaps.

        Parameters
        ----------
        X : a panel (n, c, t), a table (n, t), a list of series of unequal length, anything else that
            `tsrep.data.as_panel` takes (also one long series), or a long table (`unique_id`, `ds`, values). A lazy
            panel (`tsrep.data.lazy`) is learned from by a sample of about 16 million values, for the values that are
            held out, and the windows, are drawn from all series at once.
        y : None, or one label per instance; -1, NaN and None mean unlabelled.

        Raises
        ------
        ValueError
            A parameter is out of range, `X` holds no series, or `y` is not one label per instance.
        """
        settings = resolved(self)
        continues = self.warm_start and self._is_trained()
        if (lazy := as_lazy(X)) is not None:
            if y is not None:
                raise out_of_range("y", type(y).__name__, "None with a lazy panel")
            sample = lazy.sample(SAMPLED_VALUES, 0)
            X = sample[:, 0] if lazy.flat else sample
        series = Series(X)
        panel = self._panel(series.source, reset=not continues, panel=series.panel)
        series.reorder(self._channel_order(series.source))
        labels, classes = class_numbers(y, len(panel))
        data = "" if self.checkpoint is None else digest(panel, labels, series.times)
        source = self._source(data)
        if source is None:
            refuse_one_class(labels, classes)
            self._start(series, panel, classes)
        else:
            self._take_over(source)
            self._runs = copy.deepcopy(self._runs)
            if len(classes):
                labels = renumbered(labels, classes, getattr(self, "classes_", None))
        if source is None or source is self:
            for run in self._runs:
                run.data = data
                run.extend(settings.max_steps, settings.max_epochs, self._processes().count)
        batch, windows = windowed(series, self._scaling, self.window_length, labels)
        some_observed = batch.observed.flatten(1).any(1).nonzero()[:, 0]
        batch, windows = take(batch, some_observed), windows.take(some_observed)
        held_out = hold_out(batch, windows, self.validation_fraction, self.seed_)
        shown = with_beyond(held_out.batch, windows, torch.from_numpy(series.times))
        held_out = replace(held_out, batch=shown)
        if not all(run.finished for run in self._runs):
            self._train(held_out, settings)
        estimates, scale = estimate(self.generator_, held_out.batch, launch(self.device, self.precision))
        judged = settings.fallback and self.validation_fraction > 0
        self._set_judgement(judge(estimates, scale, held_out, self._seen, judged))
        self._measure_gaps(series)
        if self.checkpoint is not None and self._processes().is_first:
            self.save(self.checkpoint)
        self._processes().wait()
        return self

    def _start(self, series: Series, panel: Array, classes: Array) -> None:
        """Sets the attributes that need no training: scales, which channels were observed, classes, untrained runs."""
        seed = self._draw_seed()
        self.mean_, self.scale_, self._seen = Scaling.of(series)
        if not self._seen.all():
            names = ", ".join(map(str, np.flatnonzero(~self._seen)))
            warnings.warn(f"never observed in fit, so filled with 0: channel {names}", stacklevel=5)
        missing = np.isnan(panel)
        self._line_widths = standardised_line_widths(series, self._scaling)
        self._indicated = np.asarray(missing[:, 0].any(0) if self._fixes_length else missing.any((0, 2)))
        self.__dict__.pop("classes_", None)
        if len(classes):
            self.classes_ = classes
        further_seeds = np.random.default_rng([seed, 5]).integers(2**31, size=self.n_networks - 1)
        self._runs = [Run(each) for each in (seed, *further_seeds.tolist())]
        self._shape = self._current_shape()
        for name in ("generator_", "classifier_"):
            self.__dict__.pop(name, None)

    def _train(self, data: HeldOut, settings: Settings) -> None:
        """Continues each run to its end and sets the networks."""
        fitted = hasattr(self, "generator_")
        networks = train_all(
            self._runs,
            members_of(Networks(self.generator_, self.classifier_)) if fitted else [],
            data,
            settings,
            self._network_shape(),
            n_classes=len(getattr(self, "classes_", ())),
            decaying=self.reminder == "temporal",
            borrowed=borrowed_share(data, self._seen, settings),
            start=self.start,
            batch_size=self.batch_size,
            patience=self.patience,
            fabric=launch(self.device, self.precision),
            processes=self._processes(),
            save=None if self.checkpoint is None else self._save_unfinished,
            save_every=self.checkpoint_every,
            show=self.verbose > 0,
        )
        self.generator_, self.classifier_ = mean_of(networks)

    def _save_unfinished(self, networks: Sequence[Networks]) -> None:
        """Writes a checkpoint: the networks so far, without a judgement."""
        imputer = copy.copy(self)
        imputer.generator_, imputer.classifier_ = mean_of(networks)
        imputer._set_judgement(unjudged(self._seen))
        imputer.save(str(self.checkpoint))

    def _set_judgement(self, judgement: Judgement) -> None:
        self.fallback_, self._widths = judgement.fallback, Widths.of_single_values(judgement.widths)
        self.held_out_error_, self.lines_error_ = judgement.error, judgement.lines_error

    def _measure_gaps(self, series: Series) -> None:
        """Measures how much wider the bands are in longer gaps, on a sample of the training series."""
        random = np.random.default_rng([self.seed_, 6])
        sample = sample_of(series.panel.astype(np.float64), series.times, series.lengths, random)
        self._widths = measure(sample, self._widths.single, self._fill, random)

    @property
    def spread_(self) -> Array:
        """(c,), see the class."""
        return np.asarray(self._widths.single[-1] / LAPLACE[-1])

    def _current_shape(self) -> dict[str, Any]:
        settings = resolved(self)
        width = self.hidden_size or default_width(self.n_channels_)
        networks = {"generator": settings.generator, "classifier": settings.classifier}
        sizes = {"hidden_size": int(width), "adversary": settings.adversarial_weight > 0}
        return {**super()._current_shape(), **networks, **sizes}

    @property
    def history_(self) -> list[dict[str, Any]]:
        return [{"network": i, **record} for i, run in enumerate(self._runs) for record in run.history]

    @property
    def rescues_(self) -> int:
        return sum(run.notes.get("rescues", 0) for run in self._runs)

    def _network_shape(self) -> Shape:
        sizes = (self._shape[name] for name in ("hidden_size", "depth", "n_heads", "core"))
        return Shape(self.n_channels_, *sizes)

    # On disk

    def _description(self, *without: str) -> dict[str, Any]:
        described = super()._description(*without)
        described["parameters"]["start"] = None  # the trained weights are saved instead
        return described

    def _fitted_state(self) -> Folder:
        fitted = {**saved.attributes_to(self), "shape": self._shape}
        runs, states = saved.runs_to(self._runs)
        networks, weights = saved.networks_to(Networks(self.generator_, self.classifier_))
        return {**fitted, **runs, **networks}, {**weights, **states}

    def _restore(self, fitted: dict[str, Any], tensors: Tensors) -> None:
        saved.attributes_from(self, fitted)
        self._runs = saved.runs_from(fitted, tensors)
        self._shape = fitted.get("shape", self._current_shape())
        networks = saved.networks_from(fitted, tensors, self._shape, self._network_shape())
        self.generator_, self.classifier_ = networks
