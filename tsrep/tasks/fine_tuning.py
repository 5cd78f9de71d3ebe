"""`finetune`: a fitted encoder trained further with labels, as a function over the encoder's own method."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.frozen import FrozenEstimator

from tsrep.tasks.representation import check_encoder


def finetune(encoder: Any, X: Any, y: ArrayLike, freeze: str | int | None = None, **parameters: Any) -> Any:
    """A copy of a fitted encoder with a linear head, trained together.

    Parameters
    ----------
    encoder : a fitted encoder of this package, also within scikit-learn's `FrozenEstimator`; it is left as it is.
    X : panel (n, c, t).
    y : (n,) labels, -1 for unlabelled, give a classifier. Real numbers of which some have a fraction, (n,), or several
        numbers per instance, (n, n_targets), give a regressor; NaN is a missing target.
    freeze : None trains the whole encoder, "all" the head only. An integer keeps the first layers as they are, counted
        as by the encoder's parameter `layers`, and all that comes before them.
    parameters : of `tsrep.encoding.finetuned.FineTuned`, `max_steps` and `lr` for example.

    Returns
    -------
    A fitted `tsrep.encoding.finetune.FineTunedClassifier` or `FineTunedRegressor`.

    Raises
    ------
    TypeError
        `encoder` has no method `finetune`.
    ValueError
        A parameter is out of range, or the encoder has fewer layers than `freeze` says.
    """
    own = encoder.estimator if isinstance(encoder, FrozenEstimator) else encoder
    check_encoder(own, "finetune")
    return own.finetune(X, y, freeze=freeze, **parameters)
