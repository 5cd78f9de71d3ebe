"""Options: the enumerations are those of the package, no option was lost, and an earlier name still works."""

import re

import numpy as np
import pandas as pd
import pytest
import typer

from tsrep import TS2Vec
from tsrep.cli import app
from tsrep.cli.options import (
    Design,
    MaskKind,
    Metric,
    Network,
    Probe,
    Score,
    Threshold,
)
from tsrep.cli.table_options import TableOptions
from tsrep.masked.masks import KINDS
from tsrep.masked.recipe import DESIGNS, ENCODERS, RECIPES
from tsrep.tasks import ANOMALY_SCORES, RepresentationAnomalyDetector
from tsrep.tasks.anomaly.scores import SCORES
from tsrep.tasks.neighbours import METRICS
from tsrep.tasks.probes import PROBES

READING = "--time --columns --every --missing --sort --day-first --month-first"
READING += " --separator --decimal --encoding --sheet"
TRAINED = "--model --max-steps --seed --checkpoint"
TABLE = f"{READING} {TRAINED} --out --plot --save --json"
MANY = f"{READING} {TRAINED} --rows --split --root --json"
MASKED = "--design --encoder --target --mask --mask-ratio --patch-length"
OPTIONS = {
    "demo": "--out --seed --open --no-open --max-steps",
    "classify": f"{READING} {TRAINED} --rows --label --labels --probe --root --out --save --json",
    "pretrain": f"{MANY} {MASKED} --save --max-epochs --plot",
    "encode": f"{READING} --rows --split --root --model --out --per-step --json",
    "cluster": f"{MANY} --out --plot --method --clusters --min-size --save",
    "search": f"{MANY} --out --plot --query -k --number --sub --metric --save --index",
    "detect": f"{TABLE} --train --score --context --threshold --level --delay",
    "forecast": f"{TABLE} --target --horizon --known --context --level",
    "impute": f"{TABLE} --std --samples",
    "info": "--json",
    "report": "--out --title --json",
    "bench": "",
}


def test_enumerations_are_those_of_the_package():
    assert [score.value for score in Score] == list(SCORES) == list(ANOMALY_SCORES)
    assert [probe.value for probe in Probe] == [*PROBES, "auto"]
    assert [metric.value for metric in Metric] == list(METRICS)
    assert [design.value for design in Design] == list(DESIGNS)
    assert [network.value for network in Network] == list(ENCODERS)
    assert [mask.value for mask in MaskKind] == list(KINDS)


def test_the_help_has_the_number_of_steps_of_the_default_recipe(shell):
    assert f"default: {RECIPES['best']['max_steps']:,} for masked" in shell("pretrain", "--help")


def test_thresholds_are_those_that_the_detector_takes():
    with pytest.raises(ValueError, match="threshold is 'other'") as error:
        RepresentationAnomalyDetector(TS2Vec(), threshold="other").fit(np.zeros(300))
    assert re.findall(r"'(\w+)'", str(error.value))[1:] == [threshold.value for threshold in Threshold]


def test_every_command_has_its_options():
    commands = typer.main.get_group(app).commands
    offered = {
        name: {
            option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]
        }
        for name, command in commands.items()
    }
    wanted = {name: set(options.split()) for name, options in OPTIONS.items()}
    assert {
        name: {option for option in options if option.startswith("-")} for name, options in offered.items()
    } == wanted


@pytest.mark.parametrize("command", ["detect", "forecast", "impute"])
def test_sort_is_in_the_help_and_its_earlier_name_is_not(shell, command):
    shown = shell(command, "--help")
    assert "--sort" in shown and "mend" not in shown


def test_mend_is_still_sort(shell, tmp_path):
    times = pd.date_range("2026-01-01", periods=30, freq="h")[::-1]
    frame = pd.DataFrame({"time": [*times, times[3]], "load": [*range(30), 5.0]})
    frame.drop(index=9).to_csv(tmp_path / "x.csv", index=False)
    for option in ("--sort", "--mend"):
        out = tmp_path / f"full{option}.csv"
        shell("impute", tmp_path / "x.csv", option, "--max-steps", 0, "--out", out)
        assert pd.read_csv(out)["load"][26] == 4.0  # the mean of 3 and 5
    assert "repeat a time" in shell("impute", tmp_path / "x.csv", code=1)


def test_given_options_of_a_table():
    assert TableOptions().given == set()
    assert TableOptions("t", "a", "1h", 0.0, True).given == {
        "--time",
        "--columns",
        "--every",
        "--missing",
        "--sort",
    }
