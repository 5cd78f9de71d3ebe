"""Data: panels and their checks, the UCR and UEA archives, forecasting sets, scaling, tables with a time column."""

from tsrep.data.archive import DatasetNotFoundError, find_datasets, load_dataset
from tsrep.data.calendar import CALENDAR, calendar_features
from tsrep.data.forecasting import (
    FORECASTING_SETS,
    find_forecasting,
    load_forecasting,
    long_horizon_parts,
    ts2vec_parts,
)
from tsrep.data.formats import DatasetFileError, read_dataset_file
from tsrep.data.long import is_long, split_long, to_long, to_wide
from tsrep.data.normalisation import ts2vec_normalisation
from tsrep.data.panel import as_panel, is_flat, observed_and_inside
from tsrep.data.scale import PanelScaler
from tsrep.data.table import as_regular, read_table
from tsrep.data.times import TableError

__all__ = [
    "CALENDAR",
    "DatasetFileError",
    "DatasetNotFoundError",
    "FORECASTING_SETS",
    "PanelScaler",
    "TableError",
    "as_panel",
    "as_regular",
    "calendar_features",
    "find_datasets",
    "find_forecasting",
    "is_flat",
    "is_long",
    "load_dataset",
    "load_forecasting",
    "long_horizon_parts",
    "observed_and_inside",
    "read_dataset_file",
    "read_table",
    "split_long",
    "to_long",
    "to_wide",
    "ts2vec_normalisation",
    "ts2vec_parts",
]
