"""A worked example of each command, below its help: what the data are, what is typed, what comes out."""

from __future__ import annotations

EXAMPLES = {
    "demo": (
        "All in one, on data that come with sktime:",
        "tsrep demo --out demo",
        "trains, scores and draws for a few minutes, and writes demo/index.html.",
    ),
    "pretrain": (
        "machines.csv is a long table: the columns unique_id, ds, y, and one series per machine.",
        "tsrep pretrain machines.csv --save encoder",
        "trains without labels, says how the loss stands beside simple references, and writes the folder encoder.",
    ),
    "encode": (
        "A vector per series, by the encoder of tsrep pretrain:",
        "tsrep encode machines.csv --model encoder --out vectors.csv",
        "writes one row per machine: its name and its vector.",
    ),
    "classify": (
        "train.csv and test.csv are long tables: the columns unique_id, ds, y and kind, the label of each series.",
        "tsrep classify train.csv test.csv --label kind --out predictions.csv --save classifier",
        "prints accuracies and a confusion table, and writes a class and its probability for each series of test.csv.",
    ),
    "cluster": (
        "Which machines are alike? Three groups, by the encoder of tsrep pretrain:",
        "tsrep cluster machines.csv --model encoder --clusters 3 --plot",
        "writes machines-clusters.csv, the group of each machine, and a picture of the groups.",
    ),
    "search": (
        "power.csv has the columns time, load. Where else did the load behave as in the rows 40 to 64?",
        "tsrep search power.csv --sub --query 40:64 -k 3 --plot",
        "writes power-matches.csv, the time of the three stretches most like it, and a picture of them.",
    ),
    "forecast": (
        "power.csv has the columns time, load. The next day, of hourly rows:",
        "tsrep forecast power.csv --horizon 24 --plot",
        "writes power-forecast.csv, with an interval for each value, and a picture.",
    ),
    "detect": (
        "power.csv has the columns time, load. Learn from the first 70 % of the rows what is normal:",
        "tsrep detect power.csv --train 0.7 --plot",
        "prints the alarms in the other rows, and writes power-alarms.csv, a score per row, and a picture.",
    ),
    "impute": (
        "power.csv has the columns time, load, and rows or values are missing:",
        "tsrep impute power.csv --std --out full.csv",
        "writes full.csv, with a row per step, no gap, and the standard deviation of what was filled in.",
    ),
    "report": (
        "All that the commands wrote in this folder, on one page:",
        "tsrep report . --out page.html",
        "writes page.html, which opens in any browser.",
    ),
    "info": (
        "What is in the folder of a saved model?",
        "tsrep info encoder",
        "prints its class, parameters, versions and sizes, once the checksums are right.",
    ),
}
"""By command: the data, the command, the result."""


def epilog(command: str) -> str:
    """Rich markup: the example below the help of a command."""
    data, typed, result = EXAMPLES[command]
    return f"[bold]Example[/bold]  {data}\n\n[cyan]$ {typed}[/cyan]\n\n{result}"
