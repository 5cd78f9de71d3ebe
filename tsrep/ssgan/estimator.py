"""`SSGANImputer`, the estimator: series with gaps in, series without gaps out, and how sure that is.

The paper is Miao et al., "Generative Semi-supervised Learning for Multivariate Time Series Imputation", AAAI 2021: a
generator imputes, a discriminator tries to tell imputed from observed entries, and a classifier that has a few labels
wants the imputed series to carry them. `recipe="paper"` is that, as far as it could be reconstructed (see `step.py`).

The default keeps what measured best: a generator that starts from interpolation and learns by having observed values
hidden from it. No second set is needed: a share of the observed values is held out, says when to stop and which
weights to keep, and a channel in which the network is no better than straight lines gets straight lines.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.fitting import atomic
from tsrep.base.panels import PanelEstimator, RandomState, draw_seed
from tsrep.data import PanelScaler, is_flat
from tsrep.ssgan.averaging import mean_classifier, mean_generator
from tsrep.ssgan.building import Shape, build_classifier, build_game, build_generator
from tsrep.ssgan.containers import Series
from tsrep.ssgan.hiding import borrow_rate
from tsrep.ssgan.inference import class_probabilities, estimate
from tsrep.ssgan.interpolating import interpolate
from tsrep.ssgan.judgement import judge
from tsrep.ssgan.loss import UNLABELLED
from tsrep.ssgan.parameters import Settings, resolved
from tsrep.ssgan.step import Batch, SSGANStep
from tsrep.ssgan.training import HeldOut, hold_out, train
from tsrep.ssgan.windows import Windows, cover, cut, join
from tsrep.train.batches import take
from tsrep.train.runtime import launch

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Array = NDArray[Any]

MANY_CHANNELS = 64
SCORED = 0.1  # share of the observed values that `score` takes away


def _has_classifier(imputer: SSGANImputer) -> bool:
    check_is_fitted(imputer, "generator_")
    if imputer.classifier_ is None:
        raise NotFittedError("SSGANImputer was fitted without labels, so it has no classifier: fit(X, y)")
    return True


class SSGANImputer(OneToOneFeatureMixin, TransformerMixin, PanelEstimator):
    """Fills gaps in time series, with few labels or none (after Miao et al., AAAI 2021).

    Parameters
    ----------
    recipe : "best", or "paper": the values of the parameters below that are None.
    generator : "interpolating" (best) or "recurrent" (paper; BRITS).
    classifier : of the labels, where there are some: "convolutional" (best) or "recurrent" (paper).
    core : of the interpolating generator: "transformer" or "recurrent".
    hidden_size : width of the networks; None: 64, or 128 for more than 64 channels.
    n_networks : how many are trained, one after another, and averaged; two or three lower the error by 1 or 2 %.
    depth, n_heads : layers and attention heads of the interpolating generator.
    adversarial_weight, classifier_weight : of the discriminator's and the classifier's terms in the generator's loss:
        0 and 0.01 (best), 5 and 1 (paper). 0 leaves the discriminator out; a classifier learns where there are labels.
    discriminator_steps : the discriminator's updates for each of the generator's: 1 (best), 5 (paper).
    reminder, reminder_rate : "temporal", "hint" or None, and the probability that an entry is told (0.8).
    hide_rate : share of the observed values that a training step hides, or the two ends of a range from which each
        step draws it: (0.05, 0.6) (best), 0 (paper). Where gaps stick together, as those of a sensor that fails for
        a while, the default hides part of the series where another one has its gaps (see `tsrep.ssgan.hiding`).
    fallback : whether a channel in which the network is no better than lines gets lines: True (best), False (paper).
    window_length : longer series are cut into windows of this many steps, which overlap by half.
    validation_fraction : share of the observed values held out of training; 0 switches all that is chosen by them off.
    patience : training stops when this many validations (one in 50 steps) in a row brought no new lowest error.
    add_indicator : True appends where values were missing, as scikit-learn's imputers do: a channel (of a table: a
        column) of 0 and 1 for each that had gaps in `fit`.
    max_steps, max_epochs : generator steps, passes over the data, whichever ends first; both None: 1,600 and 500
        (best), 50 passes (paper).
    batch_size, lr : series a step; Adam's learning rate, 6e-3 with warm-up and cosine decay (best), 1e-3 (paper).
    device : "auto", "cpu", "cuda", "cuda:1", "mps".
    precision : "auto" (32 bit), "32", "bf16" or "16".
    random_state : None, an integer, or a numpy generator. A number makes a fit on a CPU reproducible to the bit.
    verbose : 1 shows a progress bar.

    Attributes
    ----------
    generator_, classifier_ : torch modules; the latter is None without labels.
    classes_ : the labels, sorted; with labels only.
    fallback_ : (c,) bool, True where a channel is filled with straight lines. A channel that was never observed in
        `fit` is among them: it is filled with 0, or with lines where it is observed later.
    mean_, scale_ : (c,), of the observed values in `fit`.
    spread_ : (c,), by how much the learned scale of errors was stretched so that the middle 90 % of the Laplace
        distributions hold 90 % of the held-out values.
    held_out_error_, lines_error_ : mean absolute error on the held-out values in standard deviations, of what
        `transform` gives and of straight lines; NaN where nothing was held out.
    history_ : list of {"network", "step", "epoch", "seconds", "loss", ..., "validation_loss" where computed}.
    rescues_ : how often the training diverged and went on from its best weights with a tenth of the learning rate.
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

    generator_: nn.Module
    classifier_: nn.Module | None
    classes_: Array
    _seen: Array
    _indicated: Array

    def __init__(
        self,
        recipe: str = "best",
        generator: str | None = None,
        classifier: str | None = None,
        core: str = "transformer",
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
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ):
        self.recipe = recipe
        self.generator = generator
        self.classifier = classifier
        self.core = core
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
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # Training

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns from series with gaps.

        Parameters
        ----------
        X : a panel (n, c, t), a table (n, t), a list of series of unequal length, anything else that
            `tsrep.data.as_panel` takes (one long series among them), or a long table (`unique_id`, `ds`, values).
        y : None, or a label for each instance; -1, NaN and None are unlabelled.

        Raises
        ------
        ValueError
            A parameter is out of range, `X` holds no series, or `y` is not one label for each instance.
        """
        settings = resolved(self)
        seed = draw_seed(self.random_state)
        series = Series(X)
        panel = self._panel(series.source, reset=True)
        if series.names is not None:
            self.feature_names_in_ = np.asarray(series.names, dtype=object)
        labels, classes = _class_numbers(y, len(panel))
        scaler = PanelScaler().fit(series.panel)
        missing = np.isnan(panel)
        self.mean_, self.scale_ = scaler.mean_, scaler.scale_
        self._seen = np.asarray(~missing.all(axis=(0, 2)))
        if not self._seen.all():
            names = ", ".join(map(str, np.flatnonzero(~self._seen)))
            warnings.warn(f"never observed in fit, so filled with 0: channel {names}", stacklevel=2)
        self._indicated = np.asarray(missing[:, 0].any(0) if self._fixes_length else missing.any((0, 2)))
        self.seed_ = seed
        batch, _ = self._windowed(series, labels)
        batch = take(batch, batch.observed.flatten(1).any(1).nonzero()[:, 0])
        data = hold_out(batch, self.validation_fraction, seed)
        borrowed = 0.0
        if settings.borrow_gaps:
            seen = batch.observed[..., torch.from_numpy(self._seen)]
            borrowed = borrow_rate(seen, batch.inside, float(np.max(settings.hide_rate)))
        fabric = launch(self.device, self.precision)
        steps = self._play(data, settings, len(classes), borrowed, fabric)
        self.generator_ = mean_generator([step.generator.network for step in steps]).eval()
        self.classifier_ = None
        if hasattr(self, "classes_"):
            del self.classes_
        if len(classes):
            self.classifier_ = mean_classifier(
                [step.classifier.network for step in steps if step.classifier]
            ).eval()
            self.classes_ = classes
        found, scale = estimate(self.generator_, data.batch, fabric)
        judgement = judge(found, scale, data, self._seen, settings.fallback)
        self.fallback_, self.spread_ = judgement.fallback, judgement.spread
        self.held_out_error_, self.lines_error_ = judgement.error, judgement.lines_error
        return self

    def _play(
        self, data: HeldOut, settings: Settings, n_classes: int, borrowed: float, fabric: Fabric
    ) -> list[SSGANStep]:
        """One game after another, each to its end; writes `history_` and `rescues_`."""
        more = np.random.default_rng([self.seed_, 5]).integers(2**31, size=self.n_networks - 1)
        decaying = self.reminder == "temporal"
        steps = []
        self.history_, self.rescues_ = [], 0
        for seed in (self.seed_, *more.tolist()):
            step = build_game(settings, self._shape, n_classes, decaying, borrowed, seed, fabric)
            steps.append(step)
            title = "SSGAN" if self.n_networks == 1 else f"SSGAN {len(steps)} of {self.n_networks}"
            training = train(
                step,
                data,
                settings,
                seed=seed,
                batch_size=self.batch_size,
                patience=self.patience,
                fabric=fabric,
                title=title if self.verbose > 0 else None,
            )
            self.history_ += [{"network": len(steps) - 1} | record for record in training.history]
            self.rescues_ += training.rescues
        return steps

    @property
    def _shape(self) -> Shape:
        width = self.hidden_size or (64 if self.n_channels_ <= MANY_CHANNELS else 128)
        return Shape(self.n_channels_, width, self.depth, self.n_heads, self.core)

    def _windowed(self, series: Series, labels: Array | None = None) -> tuple[Batch, Windows]:
        """The standardised series in windows, as the game takes them."""
        panel = series.panel.astype(np.float64)
        z = ((panel - self.mean_[:, None]) / self.scale_[:, None]).astype(np.float32).transpose(0, 2, 1)
        observed = ~np.isnan(z) & self._seen
        windows = cover(len(z), z.shape[1], self.window_length)
        inside = cut(torch.from_numpy(series.inside), windows)
        inside = inside | ~inside.any(1, keepdim=True)  # a window without a step: nothing of it is kept
        times = cut(torch.from_numpy(series.times), windows)
        numbers = np.full(len(z), UNLABELLED) if labels is None else labels
        batch = Batch(
            values=cut(torch.from_numpy(np.where(observed, z, np.float32(0))), windows),
            observed=cut(torch.from_numpy(observed), windows),
            times=(times - times[:, :1]).float(),
            labels=torch.from_numpy(numbers)[windows.rows],
            inside=None if inside.all() else inside,
        )
        return batch, windows

    # Imputation

    def transform(self, X: Any, return_std: bool = False) -> Any:
        """`X` without gaps: the same container, index, columns, dtype and shape; observed values keep their bits.

        The ends of a rectangular panel are filled too. A list's series keep their own lengths.

        Parameters
        ----------
        X : as for `fit`, with its channels (of a table: its length).
        return_std : True gives (X without gaps, standard deviations): an array in the units of `X`, 0 where a value was
            observed, in the shape of `X` where that is an array or one frame with a time index, else a panel.
        """
        series, values, scale = self._imputed(X)
        filled = series.put_back(values)
        if self.add_indicator:
            filled = self._with_indicator(filled, series)
        if not return_std:
            return filled
        deviation = np.where(np.isnan(series.panel), np.sqrt(2) * scale, 0.0)  # of a Laplace distribution
        return filled, series.as_array(deviation)

    def sample(self, X: Any, n_samples: int = 10, random_state: RandomState = 0) -> Array:
        """Draws of what the missing values may have been, (n_samples, *shape); observed values are equal in all.

        Each value is drawn on its own, from a Laplace distribution around the imputed one; the shape is that of the
        standard deviations of `transform`.
        """
        if not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise ValueError(f"n_samples is {n_samples!r}; wanted an integer of at least 1")
        series, values, scale = self._imputed(X)
        random = np.random.default_rng(draw_seed(random_state))
        panel = series.panel
        missing = np.isnan(panel)
        drawn = (
            np.where(missing, values + scale * random.laplace(size=panel.shape), panel)
            for _ in range(n_samples)
        )
        return np.stack([series.as_array(one) for one in drawn])

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean absolute error, in standard deviations of `fit`, on a tenth of the observed values of `X`.

        Those are taken away first, the same ones at every call; the higher the better, 0 is perfect. `y` is ignored.
        """
        series = self._series(X)
        random = np.random.default_rng(0)
        panel = series.panel.astype(np.float64)
        drawn = random.random(panel.shape) < SCORED
        gone = ~np.isnan(panel) & self._seen[:, None] & drawn
        if not gone.any():
            raise ValueError("X holds too few observed values to score: none was drawn to be taken away")
        series.panel = np.where(gone, np.nan, panel)
        values, _ = self._estimates(series)
        errors = np.abs(values - panel) / self.scale_[:, None]
        return -float(errors[gone].mean())

    def _series(self, X: Any) -> Series:
        check_is_fitted(self, "generator_")
        series = Series(X)
        self._panel(series.source, reset=False)
        return series

    def _imputed(self, X: Any) -> tuple[Series, Array, Array]:
        series = self._series(X)
        return (series, *self._estimates(series))

    def _estimates(self, series: Series) -> tuple[Array, Array]:
        """Estimates and the Laplace scale of their errors in the units of the data, (n, c, t) float64."""
        batch, windows = self._windowed(series)
        shape = (len(series.panel), series.panel.shape[2], self.n_channels_)
        found, scale = estimate(self.generator_, batch, launch(self.device, self.precision))
        z, scale = join(found.double(), windows, shape), join(scale.double(), windows, shape)
        lines = self._lines(series)
        z = torch.where(torch.from_numpy(self.fallback_), lines, z)
        values = z.numpy().transpose(0, 2, 1) * self.scale_[:, None] + self.mean_[:, None]
        scales = scale.numpy().transpose(0, 2, 1) * (self.spread_ * self.scale_)[:, None]
        return values, scales

    def _lines(self, series: Series) -> Tensor:
        """Straight lines over whole series, (n, t, c), standardised; 0, the mean, in a channel without a value."""
        z = (series.panel.astype(np.float64) - self.mean_[:, None]) / self.scale_[:, None]
        steps = torch.from_numpy(z.transpose(0, 2, 1).copy())
        return interpolate(steps.nan_to_num(), ~steps.isnan(), torch.from_numpy(series.times))[0]

    def _with_indicator(self, filled: Any, series: Series) -> Any:
        missing = np.isnan(series.panel)
        if isinstance(filled, pd.DataFrame) and not isinstance(filled.index, pd.MultiIndex):
            flags = np.asarray(missing[:, 0] if is_flat(series.source) else missing[0].T)
            names = [f"missingindicator_{name}" for name in np.asarray(filled.columns)[self._indicated]]
            chosen = pd.DataFrame(flags[:, self._indicated].astype(float), filled.index, names)
            return pd.concat([filled, chosen], axis=1)
        if not isinstance(filled, np.ndarray) or filled.dtype == object:
            raise ValueError(f"add_indicator=True takes arrays and frames, not {type(filled).__name__}")
        flags = np.asarray(missing[:, 0] if filled.ndim == 2 else missing)
        return np.concatenate([filled, flags[:, self._indicated].astype(filled.dtype)], axis=1)

    # Classification

    @available_if(_has_classifier)
    def predict_proba(self, X: Any) -> Array:
        """(n, n_classes), in the order of `classes_`; of a series in several windows, the mean over them."""
        batch, windows = self._windowed(self._series(X))
        fabric = launch(self.device, self.precision)
        assert self.classifier_ is not None
        found = class_probabilities(self.classifier_, self.generator_, batch, fabric).double().numpy()
        rows = windows.rows.numpy()
        counts = np.bincount(rows)
        sums = np.stack([np.bincount(rows, column) for column in found.T], axis=1)
        return np.asarray(sums / counts[:, None])

    @available_if(_has_classifier)
    def predict(self, X: Any) -> Array:
        """The most probable label of each instance, (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(1)])

    # What scikit-learn asks

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the channels (of a table: the columns), then of the indicators."""
        check_is_fitted(self, "generator_")
        names = super().get_feature_names_out(input_features)
        if not self.add_indicator:
            return np.asarray(names)
        indicators = [f"missingindicator_{name}" for name in names[self._indicated]]
        return np.asarray([*names, *indicators], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # On disk

    def _fitted_state(self) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
        fitted: dict[str, Any] = {name: getattr(self, name).tolist() for name in _ARRAYS}
        fitted |= {name: getattr(self, name) for name in _VALUES}
        settings = resolved(self)
        fitted |= {"generator": settings.generator, "n_networks": self.n_networks}
        tensors = {"model": self.generator_.state_dict()}
        if self.classifier_ is not None:
            fitted["classes_"] = self.classes_.tolist()
            fitted["classifier"] = settings.classifier
            tensors["classifier"] = self.classifier_.state_dict()
        return fitted, tensors

    def _restore(self, fitted: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> None:
        for name in _ARRAYS:
            setattr(self, name, np.asarray(fitted[name]))
        for name in _VALUES:
            setattr(self, name, fitted[name])
        numbers = range(fitted["n_networks"])
        self.generator_ = mean_generator(
            [build_generator(fitted["generator"], self._shape) for _ in numbers]
        ).eval()
        self.generator_.load_state_dict(tensors["model"])
        self.classifier_ = None
        if "classes_" in fitted:
            self.classes_ = np.asarray(fitted["classes_"])
            kind, n_classes = fitted["classifier"], len(self.classes_)
            classifiers = [build_classifier(kind, self._shape, n_classes) for _ in numbers]
            self.classifier_ = mean_classifier(classifiers).eval()
            self.classifier_.load_state_dict(tensors["classifier"])

    def plot(self, X: Any, instance: int = 0) -> Any:
        """A matplotlib figure of one instance: what was observed, and the gaps filled with bands of 50 and 90 %."""
        from tsrep.plots import plot_imputation

        series, values, scale = self._imputed(X)
        length = int(series.lengths[instance])
        parts = (part[instance][:, :length] for part in (series.panel, values, scale))
        names = series.names or [f"channel {i}" for i in range(self.n_channels_)]
        index = (
            series.source.index
            if isinstance(series.source, pd.DataFrame) and len(series.panel) == 1
            else None
        )
        return plot_imputation(*parts, names=names, index=index)


_ARRAYS = ("mean_", "scale_", "fallback_", "spread_", "_seen", "_indicated")
_VALUES = ("seed_", "held_out_error_", "lines_error_", "history_", "rescues_")


def _class_numbers(y: Any, n: int) -> tuple[Array, Array]:
    """(class number of each instance, -1 for none; the classes)."""
    if y is None:
        return np.full(n, UNLABELLED), np.array([])
    labels = np.asarray(y)
    check_consistent_length(labels, np.empty(n))
    if labels.ndim != 1:
        raise ValueError(f"y has shape {labels.shape}; wanted one label for each instance, ({n},)")
    known = ~(pd.isna(labels) | (labels == UNLABELLED))
    numbers = np.full(n, UNLABELLED)
    if not known.any():
        return numbers, np.array([])
    kept = np.array(labels[known].tolist())  # without the None and NaN beside them, of their own type
    classes, numbers[known] = np.unique(kept, return_inverse=True)
    return numbers, classes
