"""A worked example of each table, below its help: what is asked, what is typed, what comes out."""

from __future__ import annotations

EXAMPLES = {
    "ucr": (
        "How good are linear probes on TS2Vec, on two sets that come with sktime?",
        "tsrep bench ucr GunPoint ItalyPowerDemand --methods ts2vec,untrained --seeds 3",
        "trains six times, and writes accuracies, means and spreads to benchmarks/results/ucr/table.md.",
    ),
    "uea": (
        "The same on the six channels of BasicMotions, which comes with sktime, beside nearest neighbours:",
        "tsrep bench uea BasicMotions --methods ts2vec,1nn-euclidean",
        "writes benchmarks/results/uea/table.md.",
    ),
    "ts2vec-ablation": (
        "Which parts of TS2Vec matter on two sets that come with sktime?",
        "tsrep bench ts2vec-ablation GunPoint ItalyPowerDemand --seeds 1",
        "says in benchmarks/results/ts2vec-ablation/table.md which claims of the paper hold.",
    ),
    "anomaly": (
        "A series of the UCR anomaly archive under $TSREP_DATA, with an encoder trained on its first part:",
        "tsrep bench anomaly UCR/ECG1 --settings normal --methods ts2vec,moving-z",
        "writes whether the highest score is at the anomaly to benchmarks/results/anomaly/table.md.",
    ),
    "forecasting": (
        "ETTh1 under $TSREP_DATA, its target alone:",
        "tsrep bench forecasting ETTh1 --settings univariate --methods ts2vec-best,ridge-lags",
        "writes errors per horizon to benchmarks/results/forecasting/table.md.",
    ),
    "long-horizon": (
        "96 to 720 steps ahead on ETTh1 under $TSREP_DATA, without a training:",
        "tsrep bench long-horizon ETTh1 --settings multivariate --methods untrained-best,ridge-lags",
        "writes errors per horizon to benchmarks/results/long-horizon/table.md.",
    ),
    "imputation": (
        "A tenth of the values of ItalyPowerDemand is taken away, and found again:",
        "tsrep bench imputation ItalyPowerDemand --variants mcar10 --methods linear,ssgan",
        "writes errors on the values taken away to benchmarks/results/imputation/table.md.",
    ),
    "imputation-downstream": (
        "Does filling gaps help a classifier on GunPoint, which comes with sktime?",
        "tsrep bench imputation-downstream GunPoint --variants mcar30 --methods whole,gaps,linear",
        "writes accuracies to benchmarks/results/imputation-downstream/table.md.",
    ),
    "imputation-toy": (
        "Values drawn from a known distribution are taken away. Are the imputer's samples as they should be?",
        "tsrep bench imputation-toy gaussian",
        "writes distances from the true distribution to benchmarks/results/imputation-toy/table.md.",
    ),
    "masked": (
        "Which share of the patches is best hidden, on GunPoint, which comes with sktime?",
        "tsrep bench masked GunPoint --study ratio --seeds 1",
        "writes probes on each of the encoders to benchmarks/results/masked/table.md.",
    ),
    "table": (
        "The pages of results that are there, made again:",
        "tsrep bench table ucr",
        "writes benchmarks/results/ucr/table.md without measuring anything.",
    ),
}
"""By command: the question, the command, the result."""
ALL = "ucr"
"""The example of `tsrep bench --help` itself."""


def epilog(command: str) -> str:
    """Rich markup: the example below the help of a command."""
    asked, typed, result = EXAMPLES[command]
    return f"[bold]Example[/bold]  {asked}\n\n[cyan]$ {typed}[/cyan]\n\n{result}"
