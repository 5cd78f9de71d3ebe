"""Figures of representations and results: arrays in, a matplotlib `Figure` out (`figure.savefig(path)`).

representation.py  a series and the heat-map of its per-step representation
map.py             instances in two principal components, coloured by class
clusters.py        such a map, and the members of each cluster
matches.py         a query above the series nearest to it
accuracy.py        accuracies of methods on data sets
loss.py            the training loss
forecast.py        forecasts
imputation.py      filled gaps
reconstruction.py  what a masked model saw of a series and made of it
anomaly.py         alarms and scores of a long series
style.py           colours, markers and axes of all figures
"""

from tsrep.plots.accuracy import plot_accuracy
from tsrep.plots.anomaly import plot_anomalies
from tsrep.plots.clusters import plot_clusters
from tsrep.plots.forecast import plot_forecast, plot_rivals
from tsrep.plots.imputation import plot_imputation
from tsrep.plots.loss import plot_loss
from tsrep.plots.map import plot_map, plot_maps
from tsrep.plots.matches import plot_matches
from tsrep.plots.reconstruction import plot_reconstruction
from tsrep.plots.representation import plot_representation

__all__ = [
    "plot_accuracy",
    "plot_anomalies",
    "plot_clusters",
    "plot_forecast",
    "plot_imputation",
    "plot_loss",
    "plot_map",
    "plot_maps",
    "plot_matches",
    "plot_reconstruction",
    "plot_representation",
    "plot_rivals",
]
