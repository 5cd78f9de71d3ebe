"""Classification by a representation and a probe: features from all series, labels from those that have one.

`RepresentationClassifier` is a scikit-learn classifier around any encoder with `fit` and `transform`. The default
is the protocol of TS2Vec (Yue et al., AAAI 2022): the encoder never sees a label, and an RBF SVM is trained on the
representation of the whole series. It knows no encoder by name.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from tsrep.base.fitting import atomic
from tsrep.tasks.probes import PROBES, choose_probe, class_scores, probe_temperature

UNLABELLED = -1


def _has_decision_values(classifier: RepresentationClassifier) -> bool:
    return hasattr(getattr(classifier, "probe_", None), "decision_function")


class RepresentationClassifier(ClassifierMixin, BaseEstimator):
    """Encoder without labels, then a probe with labels.

    Parameters
    ----------
    encoder : transformer
        Anything with `fit(X)` and `transform(X)` that gives (n_instances, n_features). A clone of it is fitted.
    probe : {"svm", "logistic", "knn", "ridge", "auto"}
        The classifier on top, see `tsrep.tasks.probes`. "svm" is the paper's protocol. "auto" takes whichever of
        the four has the best cross-validated accuracy on the training part; that is no part of the paper.
    prefit : bool
        True uses `encoder` itself, already fitted, and trains the probe only. Where the classifier is cloned
        (in `GridSearchCV`, say) wrap a fitted encoder in scikit-learn's `FrozenEstimator` instead.

    Attributes
    ----------
    encoder_ : the fitted encoder
    probe_ : the fitted scikit-learn classifier
    probe_name_ : which of the four it is
    probe_accuracies_ : cross-validated accuracy of each candidate, with `probe="auto"` only
    temperature_ : divisor of the decision values in `predict_proba`, for probes without probabilities of their own
    classes_ : (n_classes,) sorted labels

    Notes
    -----
    Instances with the label -1 in an integer `y` are unlabelled: they train the encoder and not the probe. Data whose
    classes are named -1 and 1 must be renamed first; labels that are strings are all labels.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> import numpy as np
    >>> X = np.sin(np.outer(np.repeat([1.0, 2.0], 20), np.linspace(0, 6, 30)))
    >>> RepresentationClassifier(PCA(3), probe="knn").fit(X, np.repeat(["slow", "fast"], 20)).predict(X[:1])
    array(['slow'], dtype='<U4')
    """

    def __init__(self, encoder: Any, probe: str = "svm", prefit: bool = False) -> None:
        self.encoder = encoder
        self.probe = probe
        self.prefit = prefit

    @atomic
    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fit the encoder on every instance of the panel `X`, then the probe on those with a label.

        `X` is whatever the encoder takes, (n, c, t) or (n, t) say; `y` is (n,) labels, -1 for unlabelled.

        Raises
        ------
        ValueError
            If `probe` is unknown, `X` and `y` differ in length, or fewer than two classes are left.
        """
        if self.probe not in (*PROBES, "auto"):
            raise ValueError(
                f"probe is {self.probe!r}, wanted one of {', '.join(map(repr, PROBES))} or 'auto'"
            )
        for method in ("fit", "transform"):
            if not hasattr(self.encoder, method):
                raise TypeError(f"encoder is {self.encoder!r}, wanted an object with fit and transform")
        if y is None:
            raise ValueError(
                "requires y to be passed, but the target y is None: wanted one label an instance"
            )
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        if isinstance(X, np.ndarray | list):
            _check_as_many(len(X), len(labels))
        labelled = _is_labelled(labels)
        self.classes_ = np.unique(labels[labelled])
        if len(self.classes_) < 2:
            raise ValueError(
                f"y names {len(self.classes_)} class(es) {self.classes_.tolist()} and has "
                f"{int(np.sum(~labelled))} unlabelled instances (-1), wanted two classes or more; "
                "classes called -1 must be renamed"
            )
        self.encoder_ = self.encoder if self.prefit else clone(self.encoder).fit(X, None)
        Z = np.asarray(self.encoder_.transform(X))
        _check_as_many(len(Z), len(labels))
        if hasattr(self.encoder_, "n_features_in_"):
            self.n_features_in_ = self.encoder_.n_features_in_
        return self._fit_probe(Z[labelled], labels[labelled])

    def _fit_probe(self, Z: NDArray[Any], y: NDArray[Any]) -> Self:
        self.probe_name_ = self.probe
        if self.probe == "auto":
            self.probe_name_, self.probe_accuracies_ = choose_probe(Z, y)
        self.probe_ = PROBES[self.probe_name_](Z, y)
        if not hasattr(self.probe_, "predict_proba"):
            self.temperature_ = probe_temperature(self.probe_, Z, y)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) labels."""
        Z = self._represent(X)
        return self.probe_.predict(Z)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """(n, n_classes) probabilities, columns as in `classes_`, largest for the class that `predict` names.

        Probes with decision values only (SVM, ridge) get a softmax of them, divided by one temperature that was
        fitted on cross-validated decision values of the training part; the 1-NN probe answers 0 or 1.
        """
        Z = self._represent(X)
        if hasattr(self.probe_, "predict_proba"):
            return self.probe_.predict_proba(Z)
        probabilities = softmax(class_scores(self.probe_.decision_function(Z)) / self.temperature_, axis=1)
        return _largest_first(probabilities, np.searchsorted(self.classes_, self.probe_.predict(Z)))

    @available_if(_has_decision_values)
    def decision_function(self, X: Any) -> NDArray[Any]:
        """(n,) for two classes, else (n, n_classes): the probe's own decision values. The 1-NN probe has none."""
        return self.probe_.decision_function(self._represent(X))

    def _represent(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self)
        return np.asarray(self.encoder_.transform(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = (
            hasattr(self.encoder, "fit") and get_tags(self.encoder).input_tags.allow_nan
        )
        return tags


def _check_as_many(instances: int, labels: int) -> None:
    if instances != labels:
        raise ValueError(f"X has {instances} instances and y has {labels} labels, wanted as many")


def _is_labelled(y: NDArray[Any]) -> NDArray[np.bool_]:
    return y != UNLABELLED if y.dtype.kind in "iuf" else np.ones(len(y), dtype=bool)


def _largest_first(probabilities: NDArray[Any], named: NDArray[np.intp]) -> NDArray[Any]:
    """Swap, where the largest entry of a row is not the class that was named (a tie of one-vs-one votes), the two."""
    rows, largest = np.arange(len(named)), probabilities.argmax(axis=1)
    swapped = probabilities.copy()
    swapped[rows, named], swapped[rows, largest] = probabilities[rows, largest], probabilities[rows, named]
    return swapped
