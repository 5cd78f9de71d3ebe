"""Every table is one `Table`, with a command and committed results."""

from pathlib import Path

from typer.testing import CliRunner

from tsrep.bench.commands import app
from tsrep.bench.families import TABLES
from tsrep.bench.results import RESULTS_FILE

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def test_every_table_has_a_command_and_committed_results() -> None:
    helped = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for name, table in TABLES.items():
        assert table.name == name and name in helped
        assert (RESULTS / name / RESULTS_FILE).is_file() and table.folder == Path("benchmarks/results") / name
