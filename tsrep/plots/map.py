"""Instances as points: two dimensions of a representation, coloured by class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tsrep.plots.style import FAINT, LONGEST_NAME, appearance, as_shown, bare, new_figure, titled

UNLABELLED = -1
MOST_CLASSES_NAMED = 12


def principal_plane(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (n, 2) of `Z` (n, d) in two principal components, and their shares of the variance (2,)."""
    points = np.asarray(Z, dtype=float)
    if points.ndim != 2:
        raise ValueError(f"Z has shape {points.shape}; wanted (n, d)")
    if not np.isfinite(points).all():
        raise ValueError("Z holds NaN or infinite values; wanted finite representations")
    left, strength, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    coordinates, share = np.zeros((len(points), 2)), np.zeros(2)
    k = min(2, len(strength))
    coordinates[:, :k] = left[:, :k] * strength[:k]
    share[:k] = strength[:k] ** 2 / max(float((strength**2).sum()), np.finfo(float).tiny)
    return coordinates, share


def draw_map(ax: Axes, Z: np.ndarray, y: np.ndarray, title: str | None) -> None:
    """Draws `plot_map` into an axes, without its legend."""
    labels = np.asarray(y)
    if labels.shape != (len(Z),):
        raise ValueError(f"y has shape {labels.shape}; wanted ({len(Z)},): one label per row of Z")
    coordinates, share = principal_plane(Z)
    unlabelled = (
        labels == UNLABELLED if np.issubdtype(labels.dtype, np.number) else np.zeros(len(labels), bool)
    )
    if unlabelled.any():
        x1, x2 = coordinates[unlabelled].T
        ax.scatter(x1, x2, s=12, color=FAINT, linewidth=0, label="unlabelled")
    for index, name in enumerate(np.unique(labels[~unlabelled])):
        colour, marker = appearance(index)
        x1, x2 = coordinates[labels == name].T
        ax.scatter(x1, x2, s=22, color=colour, marker=marker, alpha=0.75, linewidth=0, label=as_shown(name))
    ax.set_xlabel(f"component 1 ({share[0]:.0%} of the variance)")
    ax.set_ylabel(f"component 2 ({share[1]:.0%})")
    ax.set_xticks([])
    ax.set_yticks([])
    titled(ax, title, LONGEST_NAME)
    bare(ax)


def plot_map(Z: np.ndarray, y: np.ndarray, *, title: str | None = None) -> Figure:
    """Draw representations (n, d) in two principal components, one colour and marker per class.

    Rows with the label -1 are unlabelled and drawn in grey.

    Raises
    ------
    ValueError
        If `y` does not have one label per row of `Z`, or `Z` is not finite.
    """
    return plot_maps({title or "": Z}, y)


def plot_maps(representations: Mapping[str, np.ndarray], y: np.ndarray) -> Figure:
    """`plot_map` for several representations of the same instances side by side; the keys are the titles."""
    figure = new_figure(0.6 + 3.9 * len(representations), 3.9)
    panels = figure.subplots(1, len(representations), squeeze=False)[0]
    for ax, (title, Z) in zip(panels, representations.items(), strict=True):
        draw_map(ax, Z, y, title or None)
    handles, names = panels[0].get_legend_handles_labels()
    if len(names) <= MOST_CLASSES_NAMED:
        shown = [f"class {name}" if name.lstrip("-").isdigit() else name for name in names]
        columns = min(len(names), 4)
        figure.legend(handles, shown, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    return figure
