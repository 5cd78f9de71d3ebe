"""Classification with a representation and a probe: the encoder learns from all series, the probe from labelled ones.

`RepresentationClassifier` is a scikit-learn classifier around any encoder with `fit` and `transform`. Its
`recipe="paper"` is the protocol of TS2Vec (Yue et al., AAAI 2022): the encoder never sees a label, and an RBF SVM is
trained on the representations of whole series.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from tsrep.base.fitting import atomic
from tsrep.base.labels import known_labels
from tsrep.base.parameters import boolean, check_parameters, one_of
from tsrep.base.saving import Tensors
from tsrep.tasks.probes import PROBES, choose_probe, class_scores, probe_temperature
from tsrep.tasks.saved_probe import probe_from_tensor, probe_to_tensor
from tsrep.tasks.task import RepresentationTask

OF_THE_PROBE = ("probe_name_", "probe_accuracies_", "temperature_")
"""Fitted attributes that `config.json` holds; which of them there are depends on the probe."""

PROBE_OF_RECIPE = {"best": "svm", "paper": "svm"}
"""What `probe=None` means. No probe measured better than the paper's with TS2Vec (docs/log.md, 2026-11-28)."""

RANGES = {
    "probe": one_of(*PROBES, "auto", None),
    "prefit": boolean(),
    "recipe": one_of(*PROBE_OF_RECIPE),
}


def _has_decision_values(classifier: RepresentationClassifier) -> bool:
    return hasattr(getattr(classifier, "probe_", None), "decision_function")


class RepresentationClassifier(ClassifierMixin, RepresentationTask):
    """An encoder trained without labels, then a probe trained with labels.

    Parameters
    ----------
    encoder : transformer
        Any object with `fit(X)` and `transform(X)` that gives (n_instances, n_features). A clone of it is fitted.
    probe : {"svm", "logistic", "knn", "ridge", "auto"} or None
        The classifier on top, see `tsrep.tasks.probes`. "auto" takes the one of the four with the best cross-validated
        accuracy on the training part. None: what `recipe` says.
    prefit : bool
        True uses `encoder` itself, already fitted, and trains the probe only. Where the classifier is cloned
        (in `GridSearchCV`, for example), wrap a fitted encoder in scikit-learn's `FrozenEstimator` instead.
    recipe : {"best", "paper"}
        Decides a `probe` that is None. Both say "svm", the protocol of TS2Vec: no other probe measured better.

    Attributes
    ----------
    encoder_ : the fitted encoder
    probe_ : the fitted scikit-learn classifier
    probe_name_ : which of the four probes it is
    probe_accuracies_ : cross-validated accuracy of each probe, with "auto" only
    temperature_ : divisor of the decision values in `predict_proba`, for probes without probabilities of their own
    classes_ : (n_classes,) sorted labels

    Notes
    -----
    Instances whose label is None, NaN, NA or the number -1 are unlabelled: they train the encoder and not the probe,
    and a warning says how many they are. A class that is called -1 must be renamed first; strings are always labels.

    `save` writes the encoder as its own `save` does, and the probe as a skops file; `tsrep.load` builds a probe only
    from the types that the four probes are made of. The encoder must be an estimator of this package.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> import numpy as np
    >>> X = np.sin(np.outer(np.repeat([1.0, 2.0], 20), np.linspace(0, 6, 30)))
    >>> RepresentationClassifier(PCA(3), probe="knn").fit(X, np.repeat(["slow", "fast"], 20)).predict(X[:1])
    array(['slow'], dtype='<U4')
    """

    _FITTED = OF_THE_PROBE

    def __init__(
        self, encoder: Any, probe: str | None = None, prefit: bool = False, recipe: str = "best"
    ) -> None:
        self.encoder = encoder
        self.probe = probe
        self.prefit = prefit
        self.recipe = recipe

    @atomic
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the encoder on every instance of the panel `X`, then the probe on those with a label.

        Parameters
        ----------
        X : whatever the encoder takes, (n, c, t) or (n, t) for example.
        y : (n,) labels; None, NaN, NA or -1 for unlabelled.
        sample_weight : (n,) weights of at least 0 in the probe, None: all 1. "knn" takes none. The encoder has no
            weights.
        groups : (n,) the subject or machine, for example, that an instance is of. Where the probe is chosen by
            cross-validation, instances of one group are not on both sides of a split. None: all are independent.

        Raises
        ------
        ValueError
            A parameter is out of range, `X`, `y`, `sample_weight` and `groups` differ in length, or fewer than two
            classes with a weight above 0 are left.
        """
        check_parameters(self, RANGES)
        if y is None:
            raise ValueError(
                "requires y to be passed, but the target y is None; wanted one label per instance"
            )
        labels, labelled = known_labels(y)
        check_classification_targets(labels)
        if isinstance(X, np.ndarray | list):
            _check_lengths(len(X), len(labelled))
        check_consistent_length(labelled, groups)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, labelled, ensure_non_negative=True)
            labels, labelled = labels[weights[labelled] > 0], labelled & (weights > 0)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has {len(self.classes_)} class(es) {self.classes_.tolist()} and "
                f"{int(np.sum(~labelled))} unlabelled instances (None, NaN, NA or -1); wanted at least two "
                "classes; rename classes called -1"
            )
        Z = self._fit_encoder(X)
        _check_lengths(len(Z), len(labelled))
        options = {
            "sample_weight": None if weights is None else weights[labelled],
            "groups": None if groups is None else np.asarray(groups)[labelled],
        }
        with config_context(enable_metadata_routing=False):  # weights and groups are handed on by name
            return self._fit_probe(Z[labelled], labels, options)

    def _fit_probe(self, Z: NDArray[Any], y: NDArray[Any], options: dict[str, Any]) -> Self:
        for name in OF_THE_PROBE:
            self.__dict__.pop(name, None)
        self.probe_name_ = PROBE_OF_RECIPE[self.recipe] if self.probe is None else self.probe
        if self.probe_name_ == "auto":
            self.probe_name_, self.probe_accuracies_ = choose_probe(Z, y, **options)
        self.probe_ = PROBES[self.probe_name_](Z, y, **options)
        if not hasattr(self.probe_, "predict_proba"):
            self.temperature_ = probe_temperature(self.probe_, Z, y, **options)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) labels."""
        Z = self._represent(X)
        return self.probe_.predict(Z)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """(n, n_classes) probabilities, columns as in `classes_`, largest for the class that `predict` names.

        For probes with decision values only (SVM, ridge) these are a softmax of the decision values, divided by a
        temperature that was fitted on cross-validated decision values of the training part. The 1-NN probe gives 0
        or 1.
        """
        Z = self._represent(X)
        if hasattr(self.probe_, "predict_proba"):
            return self.probe_.predict_proba(Z)
        probabilities = softmax(class_scores(self.probe_.decision_function(Z)) / self.temperature_, axis=1)
        predicted = np.searchsorted(self.classes_, self.probe_.predict(Z))
        return _with_largest_at(probabilities, predicted)

    @available_if(_has_decision_values)
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Decision values of the probe, (n,) for two classes, else (n, n_classes). The 1-NN probe has none."""
        return self.probe_.decision_function(self._represent(X))

    # On disk

    def _tensors(self) -> Tensors:
        return {"probe": {"skops": probe_to_tensor(self.probe_, self.classes_)}}

    def _restore(self, tensors: Tensors) -> None:
        self.probe_, self.classes_ = probe_from_tensor(tensors["probe"]["skops"])


def _check_lengths(instances: int, labels: int) -> None:
    if instances != labels:
        raise ValueError(f"X has {instances} instances and y has {labels} labels; wanted one per instance")


def _with_largest_at(probabilities: NDArray[Any], predicted: NDArray[np.intp]) -> NDArray[Any]:
    """Probabilities (n, k) whose largest entry per row is at the predicted class (n,).

    One-vs-one votes may tie; where another class has the largest entry, the two entries are swapped.
    """
    rows, largest = np.arange(len(predicted)), probabilities.argmax(axis=1)
    swapped = probabilities.copy()
    swapped[rows, predicted] = probabilities[rows, largest]
    swapped[rows, largest] = probabilities[rows, predicted]
    return swapped
