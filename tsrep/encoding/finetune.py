"""`FineTunedClassifier` and `FineTunedRegressor`: an encoder trained further with labels or targets, see finetuned.py.

As in MAE's fine-tuning (He et al., CVPR 2022, appendix A.1) labels are smoothed by 0.1. Targets are standardised.

Shapes: C channels, K classes or targets.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from torch import Tensor, nn

from tsrep.base.fitting import atomic
from tsrep.base.labels import known_labels
from tsrep.base.parameters import check_parameters
from tsrep.encoding.finetuned import RANGES, FineTuned, Labelled

SMOOTHING = 0.1


def smoothed_cross_entropy(network: nn.Module, batch: Labelled, generator: torch.Generator) -> Tensor:
    """Cross-entropy with labels smoothed by 0.1 (Szegedy et al., CVPR 2016, section 7)."""
    return F.cross_entropy(network(batch.x), batch.y, label_smoothing=SMOOTHING)


def squared_error(network: nn.Module, batch: Labelled, generator: torch.Generator) -> Tensor:
    """Mean squared error of the targets."""
    return F.mse_loss(network(batch.x), batch.y)


def has_fractions(y: Any) -> bool:
    """Whether `y` are real numbers, some with a fraction, or several numbers per instance: targets and not labels."""
    values = np.asarray(y)
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        if (finite != np.round(finite)).any():
            return True
    return bool(values.dtype.kind in "iuf" and values.ndim == 2 and values.shape[1] > 1)


class FineTunedRegressor(RegressorMixin, FineTuned):
    """A fitted encoder, fine-tuned with targets. The parameters are those of `FineTuned`.

    Attributes
    ----------
    network_ : torch module, (B, T, C) -> standardised targets (B, K).
    target_mean_, target_scale_ : (K,), by which targets are standardised.
    history_ : list of {"step", "epoch", "seconds", "loss"}.
    """

    @atomic
    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Trains on the instances of a panel (n, c, t) with a target; `y` (n,) or (n, K), NaN for a missing target.

        Raises
        ------
        ValueError
            A parameter is out of range, `X` and `y` differ in length, or no instance with a target is left.
        """
        check_parameters(self, RANGES)
        targets = check_array(
            y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y"
        )
        x, known = self._series_with(X, targets, "targets")
        rows = targets.reshape(len(targets), -1)
        known = known & ~np.isnan(rows).any(axis=1)
        if not known.any():
            raise ValueError("y has no target of an instance with a value; wanted at least one")
        self.target_mean_ = rows[known].mean(axis=0)
        deviation = rows[known].std(axis=0)
        self.target_scale_ = np.where(deviation > 0, deviation, 1.0)
        scaled = torch.from_numpy((rows[known] - self.target_mean_) / self.target_scale_).float()
        self._train(Labelled(x[torch.from_numpy(known)], scaled), rows.shape[1], squared_error)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """(n,), or (n, K) where there are several targets."""
        targets = self._outputs(X).double().numpy() * self.target_scale_ + self.target_mean_
        return targets[:, 0] if targets.shape[1] == 1 else targets

    def _fitted_state(self) -> dict[str, Any]:
        return {"target_mean_": self.target_mean_.tolist(), "target_scale_": self.target_scale_.tolist()}

    def _restore(self, fitted: dict[str, Any]) -> int:
        self.target_mean_ = np.asarray(fitted["target_mean_"])
        self.target_scale_ = np.asarray(fitted["target_scale_"])
        return len(self.target_mean_)


class FineTunedClassifier(ClassifierMixin, FineTuned):
    """A fitted encoder, fine-tuned with labels. The parameters are those of `FineTuned`.

    Attributes
    ----------
    network_ : torch module, (B, T, C) -> logits (B, K).
    classes_ : (K,), the labels, sorted.
    history_ : list of {"step", "epoch", "seconds", "loss"}.
    """

    @atomic
    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Trains on the labelled instances of a panel (n, c, t); None, NaN, NA and -1 are unlabelled.

        Raises
        ------
        ValueError
            A parameter is out of range, `X` and `y` differ in length, or fewer than two classes are left.
        """
        check_parameters(self, RANGES)
        labels, labelled = known_labels(y)
        check_classification_targets(labels)
        x, known = self._series_with(X, labelled, "labels")
        known = known & labelled
        self.classes_, numbers = np.unique(labels[known[labelled]], return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has the class(es) {self.classes_.tolist()}; wanted at least two")
        data = Labelled(x[torch.from_numpy(known)], torch.from_numpy(numbers))
        self._train(data, len(self.classes_), smoothed_cross_entropy)
        return self

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """(n, K) probabilities, columns as in `classes_`."""
        return self._outputs(X).softmax(1).numpy()

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) labels."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def _fitted_state(self) -> dict[str, Any]:
        return {"classes_": self.classes_.tolist()}

    def _restore(self, fitted: dict[str, Any]) -> int:
        self.classes_ = np.asarray(fitted["classes_"])
        return len(self.classes_)
