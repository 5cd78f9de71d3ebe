"""What a task fits on representations as a tensor of bytes, and back.

The bytes are a skops file, which names the types that it is made of. Nothing is built before all of these types are
known to be among `TYPES`: the parts of the probes in `probes.py`, of ridge regression and k-means, and arrays and plain
values. skops alone would also accept every other estimator of scikit-learn and functions of NumPy and SciPy.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor

from tsrep.base.saving import ModelFileError

ESTIMATORS = frozenset(
    {
        "sklearn.cluster._kmeans.KMeans",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.linear_model._ridge.RidgeCV",
        "sklearn.linear_model._ridge.RidgeClassifierCV",
        "sklearn.multiclass.OneVsRestClassifier",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neighbors._classification.KNeighborsClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._label.LabelBinarizer",
        "sklearn.svm._classes.SVC",
    }
)
NEIGHBOUR_TREE = frozenset(
    {
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
    }
)
"""What a nearest-neighbour classifier holds. skops accepts these only where it is told to."""
INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
FLOATS = ("float16", "float32", "float64")
NUMPY = frozenset(f"numpy.{name}" for name in ("ndarray", "dtype", "bool", "str_", *INTEGERS, *FLOATS))
PLAIN = frozenset(
    f"builtins.{name}" for name in ("dict", "list", "tuple", "str", "int", "float", "bool", "NoneType")
)
TYPES = ESTIMATORS | NEIGHBOUR_TREE | NUMPY | PLAIN


def probe_to_tensor(probe: BaseEstimator, classes: NDArray[Any] | None = None) -> Tensor:
    """The skops file of a probe and of the sorted labels of a classifier, (bytes,) uint8."""
    from skops import io as skops

    return torch.frombuffer(bytearray(skops.dumps({"probe": probe, "classes": classes})), dtype=torch.uint8)


def probe_from_tensor(tensor: Tensor) -> tuple[Any, Any]:
    """(probe, classes), the inverse of `probe_to_tensor`.

    Raises
    ------
    ModelFileError
        The bytes are no skops file, or it asks for a type that no probe is made of.
    """
    from skops import io as skops

    content = tensor.numpy().tobytes()
    try:
        unknown = _types_in(content) - TYPES
        unknown = unknown or set(skops.get_untrusted_types(data=content)) - NEIGHBOUR_TREE
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelFileError(f"the probe is not a skops file: {error}") from error
    if unknown:
        raise ModelFileError(f"the probe asks for {', '.join(sorted(unknown))}; no probe is made of that")
    saved = skops.loads(content, trusted=sorted(NEIGHBOUR_TREE))
    return saved["probe"], saved["classes"]


def _types_in(content: bytes) -> set[str]:
    """Every type that the schema of a skops file names."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unread = [json.loads(archive.read("schema.json"))]
    types = set()
    while unread:
        node = unread.pop()
        if isinstance(node, dict):
            if "__class__" in node or "__module__" in node:
                types.add(f"{node.get('__module__')}.{node.get('__class__')}")
            unread.extend(node.values())
        elif isinstance(node, list):
            unread.extend(node)
    return types
