"""Data: panels and their checks, the UCR and UEA archives, scaling."""

from tsrep.data.archive import DatasetNotFoundError, find_datasets, load_dataset
from tsrep.data.formats import DatasetFileError, read_dataset_file
from tsrep.data.normalisation import ts2vec_normalisation
from tsrep.data.panel import as_panel, is_flat, observed_and_inside
from tsrep.data.scale import PanelScaler

__all__ = [
    "DatasetFileError",
    "DatasetNotFoundError",
    "PanelScaler",
    "as_panel",
    "find_datasets",
    "is_flat",
    "load_dataset",
    "observed_and_inside",
    "read_dataset_file",
    "ts2vec_normalisation",
]
