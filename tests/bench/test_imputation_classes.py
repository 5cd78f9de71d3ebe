"""Classification by an imputer: the test part may lack a class of the training part."""

from types import SimpleNamespace

import numpy as np
import pytest

from tsrep.bench.imputation.evaluate import _classified
from tsrep.bench.imputation.ssgan import ssgan
from tsrep.bench.imputation.task import Task


@pytest.mark.parametrize("order", ["abc", "cba"])
def test_a_perfect_classifier_scores_1_without_one_of_the_classes(order):
    y = np.array(["b", "c", "b", "c"])
    outcome = SimpleNamespace(
        probabilities=np.eye(3)[[order.index(label) for label in y]], classes=np.array(list(order))
    )
    assert _classified(SimpleNamespace(y_test=y), outcome) == {"accuracy": 1.0}
    two = SimpleNamespace(probabilities=np.eye(2)[[0, 1, 0, 1]], classes=np.array(["b", "c"]))
    assert _classified(SimpleNamespace(y_test=y), two) == {"accuracy": 1.0, "auc": 1.0}


def test_the_imputer_classifies_by_the_names_of_the_classes():
    steps, names = np.arange(24), np.array(["up", "down"] * 8)
    series = np.where(names == "up", 1.0, -1.0)[:, None, None] * steps / 12
    gaps = series.copy()
    gaps[:, 0, 5] = np.nan
    task = Task("lines", 0, gaps, gaps, gaps, series, series, names, names)
    outcome = ssgan(task, max_steps=200)
    assert outcome.classes.tolist() == ["down", "up"]
    assert _classified(task, outcome)["accuracy"] > 0.9
