"""Every table by its name. A new family is a folder and a line here."""

from __future__ import annotations

from tsrep.bench.anomaly.tables import TABLES as ANOMALY
from tsrep.bench.classification.tables import TABLES as CLASSIFICATION
from tsrep.bench.forecasting.tables import TABLES as FORECASTING
from tsrep.bench.imputation.tables import TABLES as IMPUTATION
from tsrep.bench.masked.tables import TABLES as MASKED
from tsrep.bench.table import Table

TABLES: dict[str, Table] = {
    table.name: table
    for family in (
        CLASSIFICATION,
        ANOMALY,
        FORECASTING,
        IMPUTATION,
        MASKED,
    )
    for table in family
}
