"""One rule for which instances have a label, in every estimator that takes labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from tsrep import SSGANImputer, TS2Vec
from tsrep.base.labels import known_labels
from tsrep.tasks import RepresentationClassifier

MISSING = [None, np.nan, pd.NA, -1, -1.0, np.int64(-1), float("nan"), pd.NaT]


@pytest.mark.parametrize("missing", MISSING, ids=[f"{type(value).__name__} {value}" for value in MISSING])
@pytest.mark.parametrize("classes", [[0, 1], [2.0, 3.0], ["down", "up"]])
@pytest.mark.parametrize("container", [list, lambda y: np.array(y, dtype=object), pd.Series])
def test_what_is_no_label(missing, classes, container):
    with pytest.warns(UserWarning, match=r"2 of 6 instances have no label \(None, NaN, NA or -1 in y\)"):
        labels, known = known_labels(
            container([classes[0], missing, classes[1], classes[1], missing, classes[0]])
        )
    assert known.tolist() == [True, False, True, True, False, True]
    assert labels.tolist() == [classes[0], classes[1], classes[1], classes[0]]
    assert np.unique(labels).tolist() == classes


@pytest.mark.parametrize("y", [["-1", "1"], [True, False], [0, 1], ["nan", "None"], [-2, 3]])
def test_what_is_a_label(y, recwarn):
    labels, known = known_labels(y)
    assert known.all() and labels.tolist() == y and not recwarn.list


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "string", "category"])
def test_pandas_own_types(dtype):
    with pytest.warns(UserWarning, match="1 of 3 instances have no label"):
        labels, known = known_labels(pd.Series([0, 1, None]).astype("Int64").astype(dtype))
    assert known.tolist() == [True, True, False] and len(set(labels.tolist())) == 2


def test_classes_down_same_and_up_do_not_lose_one_in_silence():
    random = np.random.default_rng(0)
    y = np.tile([-1, 0, 1], 8)
    X = random.normal(size=(24, 1, 20)) + y[:, None, None]
    said = pytest.warns(
        UserWarning, match="8 of 24 instances have no label .*; rename a class that is called -1"
    )
    with said:
        assert RepresentationClassifier(PCA(2), probe="knn").fit(X[:, 0], y).classes_.tolist() == [0, 1]
    with said:
        assert SSGANImputer(max_steps=1, hidden_size=8).fit(X, y).classes_.tolist() == [0, 1]
    encoder = TS2Vec(n_components=8, hidden_channels=8, depth=2, max_steps=1).fit(X)
    with said:
        assert encoder.finetune(X, y, max_steps=1).classes_.tolist() == [0, 1]


def test_one_class_that_is_left_is_refused():
    X = np.random.default_rng(0).normal(size=(8, 1, 20))
    y = np.tile([-1, 1], 4)
    for estimator in (SSGANImputer(max_steps=1), RepresentationClassifier(TS2Vec(max_steps=1))):
        with pytest.warns(UserWarning), pytest.raises(ValueError, match=r"called -1"):
            estimator.fit(X, y)
