"""Figures of representations and results: arrays in, a matplotlib `Figure` out (`figure.savefig(path)`)."""

from tsrep.plots.accuracy import plot_accuracy
from tsrep.plots.anomaly import plot_anomalies
from tsrep.plots.forecast import plot_forecast, plot_rivals
from tsrep.plots.imputation import plot_imputation
from tsrep.plots.loss import plot_loss
from tsrep.plots.map import plot_map, plot_maps
from tsrep.plots.representation import plot_representation

__all__ = [
    "plot_accuracy",
    "plot_anomalies",
    "plot_forecast",
    "plot_imputation",
    "plot_loss",
    "plot_map",
    "plot_maps",
    "plot_representation",
    "plot_rivals",
]
