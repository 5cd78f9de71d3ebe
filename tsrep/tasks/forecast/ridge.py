"""Ridge regression with many outputs for many penalties, from one eigendecomposition of the Gram matrix.

With centred features X (n, d) and labels Y (n, k), and X'X = V diag(s) V', the weights for a penalty a are
V diag(1 / (s + a)) V'X'Y. The expensive parts (X'X, X'Y and the decomposition) do not depend on a. An intercept is
fitted and not penalised. scikit-learn's `Ridge` gives the same weights for one penalty at a time.

Labels may be missing (NaN), different ones for each output. They are filled with the predictions of the regression,
which is then solved again, until it converges. At the fixed point a filled label has no residual, so each output is
regressed on the rows where it is known (expectation maximisation for missing responses). An output with few known
labels would take many rounds; it is solved by itself.

Shapes: n rows, d features, k outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Blocks = Sequence[tuple[Array, Array]]
"""Per series features (n_i, d) and labels (n_i, k); labels may be strided views."""

ROWS_AT_ONCE = 2048
MOST_ROUNDS = 300
FEW_KNOWN = 0.2
"""Share of known labels below which an output is solved by itself."""


class Ridge(NamedTuple):
    """A fitted regression: `weights` (d, k) and `intercept` (k,)."""

    weights: Array
    intercept: Array

    def predict(self, X: Array) -> Array:
        """(n, k)."""
        return X @ self.weights + self.intercept


class RidgePath:
    """The ridge regressions of the labels on the features of all blocks, for any penalty.

    Labels are read `ROWS_AT_ONCE` rows at a time and not copied as a whole.

    Raises
    ------
    ValueError
        The blocks have no rows.
    """

    def __init__(self, blocks: Blocks):
        self.blocks = blocks
        self.n = sum(len(X) for X, _ in blocks)
        if self.n == 0:
            raise ValueError("the blocks have no rows; wanted at least one to fit on")
        self.x_mean = np.sum([X.sum(axis=0, dtype=np.float64) for X, _ in blocks], axis=0) / self.n
        gram = np.zeros((len(self.x_mean),) * 2)
        self.known = np.zeros(blocks[0][1].shape[1], dtype=int)
        known_total = np.zeros(len(self.known))
        for X, Y in pieces(blocks):
            centred = X - self.x_mean
            gram += centred.T @ centred
            self.known += (~np.isnan(Y)).sum(axis=0)
            known_total += np.nansum(Y, axis=0, dtype=np.float64)
        self.eigenvalues, self.eigenvectors = np.linalg.eigh(gram)
        self.eigenvalues = np.maximum(self.eigenvalues, 0.0)
        no_weights = np.zeros((len(self.x_mean), len(self.known)))
        self._read_labels(Ridge(no_weights, known_total / np.maximum(self.known, 1)))

    @property
    def complete(self) -> bool:
        """Whether no label is missing."""
        return bool((self.known == self.n).all())

    def solve(self, penalty: float) -> Ridge:
        """The regression for a penalty above 0, with missing labels as last filled (at first with their mean)."""
        weights = self.eigenvectors @ (self.projected / (self.eigenvalues + penalty)[:, None])
        return Ridge(weights, self.y_mean - self.x_mean @ weights)

    def fit(self, penalty: float, tolerance: float = 1e-7) -> Ridge:
        """The regression for a penalty above 0 on the known labels.

        An output without any label is NaN. With complete labels this is `solve`. Otherwise missing labels are filled
        until the weights change by less than `tolerance` of the largest; the next `solve` uses these labels.
        """
        ridge = self.solve(penalty)
        if self.complete:
            return ridge
        filled = self.known >= FEW_KNOWN * self.n
        for _ in range(MOST_ROUNDS if filled.any() else 0):
            before = ridge
            self._read_labels(before)
            ridge = self.solve(penalty)
            change = np.abs(ridge.weights - before.weights)[:, filled]
            if change.max() <= tolerance * np.abs(ridge.weights[:, filled]).max():
                break
        alone = np.flatnonzero(~filled & (self.known > 0))
        for output in alone:
            ridge.weights[:, output], ridge.intercept[output] = self._solve_alone(int(output), penalty)
        if len(alone):
            self._read_labels(ridge)
        return Ridge(ridge.weights, np.where(self.known > 0, ridge.intercept, np.nan))

    def _solve_alone(self, output: int, penalty: float) -> tuple[Array, float]:
        """Weights (d,) and intercept of one output, from the rows where it is known."""
        features, label = [], []
        for X, Y in pieces(self.blocks):
            known = ~np.isnan(Y[:, output])
            features.append(X[known])
            label.append(Y[known, output])
        X, y = np.concatenate(features).astype(np.float64), np.concatenate(label)
        mean, centre = X.mean(axis=0), y.mean()
        centred = X - mean
        gram = centred.T @ centred + penalty * np.eye(X.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (y - centre))
        return weights, float(centre - mean @ weights)

    def _read_labels(self, filling: Ridge) -> None:
        """Sets the mean of the labels (k,) and V'X'Y (d, k), with missing labels filled by `filling`."""
        total = np.zeros(len(self.known))
        product = np.zeros((len(self.x_mean), len(self.known)))
        for X, Y in pieces(self.blocks):
            filled = np.array(Y, dtype=np.float64)
            gaps = np.isnan(filled)
            if gaps.any():
                filled = np.where(gaps, filling.predict(X), filled)
            total += filled.sum(axis=0)
            product += (X - self.x_mean).T @ filled
        self.y_mean = total / self.n
        self.projected = self.eigenvectors.T @ product


def pieces(blocks: Blocks) -> Iterator[tuple[Array, Array]]:
    """The rows of all blocks, `ROWS_AT_ONCE` at a time."""
    for X, Y in blocks:
        for start in range(0, len(X), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            yield X[rows], Y[rows]
