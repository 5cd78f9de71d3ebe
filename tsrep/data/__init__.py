"""Data: containers to panels, public sets by name, tables with a time column, scaling, patterns of missing values.

Panels:

panel.py          containers to checked panels (n, c, t): conversion.py
containers.py     `Series`: values of a panel back into the container that they came from
lazy.py           panels that are read block by block: stored.py says which, parquet.py reads tables
results.py        results that are written as they come
scale.py          standardisation of panels
fill_values.py    a warning of values that stand for missing ones
missing.py        removes values by seeded patterns of missingness

Tables with a time column:

tables.py         the one door: a file or a frame, wide or long, as regular tables
long.py           many series in one table, long or wide
table.py          one series as a frame on a regular index, and what was seen
files.py          CSV, Parquet and Excel files as frames: file_format.py, dialect.py, text_files.py, numbers.py
times.py          finds the time: time_column.py, dates.py, numbered_times.py
grid.py           rows in the order of time, on regular steps: steps.py, calendar_steps.py
summary.py        what was seen, for people
wording.py        how messages write an option: in Python, in a shell
calendar.py       features of a time index

Public sets by name:

archive.py        UCR and UEA
formats/          their file formats
anomaly.py        KPI, NAB, UCR anomaly, SMD, SMAP and MSL
forecasting.py    ETT, exchange, weather, illness, and their splits
imputation.py     sets with gaps, or for artificial gaps, in three parts
normalisation.py  the TS2Vec authors' normalisation of UCR and UEA
preparation.py    the TS2Vec authors' preparation of series for anomaly detection
stationarity.py   the augmented Dickey-Fuller test
"""

from tsrep.data import missing
from tsrep.data.anomaly import ANOMALY_ARCHIVES, AnomalySeries, find_anomaly, load_anomaly
from tsrep.data.archive import DatasetNotFoundError, find_datasets, load_dataset
from tsrep.data.calendar import CALENDAR, calendar_features, cycle_features, cycles_within
from tsrep.data.columns import TableError
from tsrep.data.fill_values import FillValueWarning, warn_of_fill_values
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
from tsrep.data.scale import PanelScaler, Scale
from tsrep.data.stationarity import unit_root_p_value
from tsrep.data.stored import open_panel
from tsrep.data.table import as_regular, read_table

__all__ = [
    "ANOMALY_ARCHIVES",
    "CALENDAR",
    "FORECASTING_SETS",
    "IMPUTATION_SETS",
    "AnomalySeries",
    "DatasetFileError",
    "DatasetNotFoundError",
    "FillValueWarning",
    "ImputationSet",
    "PanelScaler",
    "Scale",
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
    "open_panel",
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
    "warn_of_fill_values",
]
