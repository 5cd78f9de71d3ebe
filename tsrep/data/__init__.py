"""Data: panels and their checks, archives by name, scaling, tables with a time column."""

from tsrep.data import missing
from tsrep.data.anomaly import ANOMALY_ARCHIVES, AnomalySeries, find_anomaly, load_anomaly
from tsrep.data.archive import DatasetNotFoundError, find_datasets, load_dataset
from tsrep.data.calendar import CALENDAR, calendar_features, cycle_features, cycles_within
from tsrep.data.forecasting import (
    FORECASTING_SETS,
    find_forecasting,
    load_forecasting,
    long_horizon_parts,
    ts2vec_parts,
)
from tsrep.data.formats import DatasetFileError, read_dataset_file
from tsrep.data.imputation import IMPUTATION_SETS, ImputationSet, find_imputation, load_imputation
from tsrep.data.long import is_long, read_long, split_long, to_long, to_wide
from tsrep.data.normalisation import ts2vec_normalisation
from tsrep.data.panel import as_panel, is_flat, observed_and_inside
from tsrep.data.preparation import ts2vec_preparation
from tsrep.data.scale import PanelScaler
from tsrep.data.stationarity import unit_root_p_value
from tsrep.data.table import as_regular, read_table
from tsrep.data.times import TableError

__all__ = [
    "ANOMALY_ARCHIVES",
    "CALENDAR",
    "FORECASTING_SETS",
    "IMPUTATION_SETS",
    "AnomalySeries",
    "DatasetFileError",
    "DatasetNotFoundError",
    "ImputationSet",
    "PanelScaler",
    "TableError",
    "as_panel",
    "as_regular",
    "calendar_features",
    "cycle_features",
    "cycles_within",
    "find_anomaly",
    "find_datasets",
    "find_forecasting",
    "find_imputation",
    "is_flat",
    "is_long",
    "load_anomaly",
    "load_dataset",
    "load_forecasting",
    "load_imputation",
    "long_horizon_parts",
    "missing",
    "observed_and_inside",
    "read_dataset_file",
    "read_long",
    "read_table",
    "split_long",
    "to_long",
    "to_wide",
    "ts2vec_normalisation",
    "ts2vec_parts",
    "ts2vec_preparation",
    "unit_root_p_value",
]
